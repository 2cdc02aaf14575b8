"""How tests start compilers."""

# In front of a command: a sanitizer's runtime that is meant for the simulator (scripts/sanitize) does nvcc's own processes no good.
UNSANITIZED = ("env", "-u", "LD_PRELOAD")
