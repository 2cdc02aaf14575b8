/*===- tilewright.h - Public C API of the runtime -------------------------===*
 *
 * Opens kernel bundles (.twb), loads weights, and generates tokens on a CUDA
 * device or in the simulator. This header is plain C11 and needs neither MLIR
 * nor CUDA.
 *
 * Ownership: `*_create`, `*_open`, `*_load` and `tilewright_generate` give the
 * caller an object to release with the matching `*_destroy`, which accepts
 * NULL. An object keeps alive what it was made from, so the order of destroys
 * does not matter. Every other pointer is borrowed for the duration of the
 * call; what a query returns lives as long as the object it was asked of.
 * Output arguments come last, are named `out_*`, and are written only on
 * success unless said otherwise.
 *
 * Structs start with `struct_size`, to be set to sizeof by the caller (the
 * TILEWRIGHT_*_INIT macros do, and set every default). A newer library
 * accepts the shorter structs of an older header.
 *
 * Threads: bundles may be used from any number of threads. A device, and the
 * models, sessions and sequences made from it, may be used from one thread at
 * a time; two devices are independent, also when they name the same GPU.
 *===-----------------------------------------------------------------------===*/
#ifndef TILEWRIGHT_RUNTIME_TILEWRIGHT_H
#define TILEWRIGHT_RUNTIME_TILEWRIGHT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TILEWRIGHT_API __attribute__((visibility("default")))
#else
#define TILEWRIGHT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*===-----------------------------------------------------------------------===*
 * Version, status
 *===-----------------------------------------------------------------------===*/

#define TILEWRIGHT_VERSION_MAJOR 0
#define TILEWRIGHT_VERSION_MINOR 1
#define TILEWRIGHT_VERSION_PATCH 0

/* Version of the library in use, as "0.1.0". */
TILEWRIGHT_API const char *tilewright_version(void);

/* The newest manifest schema that this library reads. */
TILEWRIGHT_API int32_t tilewright_schema_version(void);

typedef enum tilewright_status {
  TILEWRIGHT_OK = 0,
  TILEWRIGHT_INVALID_ARGUMENT =
      1,                      /* the caller broke a documented precondition */
  TILEWRIGHT_UNAVAILABLE = 2, /* no such device or driver on this machine */
  TILEWRIGHT_COMPILE_FAILED = 3, /* the driver or simulator rejected a kernel */
  TILEWRIGHT_LAUNCH_FAILED = 4,  /* a kernel faulted, or a launch was refused */
  TILEWRIGHT_NOT_FOUND = 5,      /* no such file or directory */
  TILEWRIGHT_IO_ERROR = 6,       /* a file could not be read */
  TILEWRIGHT_INVALID_BUNDLE = 7, /* not a bundle, or a damaged one */
  TILEWRIGHT_UNSUPPORTED = 8,    /* sound, but newer, or for another target */
  TILEWRIGHT_INVALID_WEIGHTS = 9, /* damaged, or not the bundle's weights */
  TILEWRIGHT_OUT_OF_PAGES = 10,  /* the KV cache is full; nothing was changed */
  TILEWRIGHT_OUT_OF_MEMORY = 11, /* host or device memory ran out */
  TILEWRIGHT_CANCELLED = 12,     /* a callback asked to stop */
  TILEWRIGHT_INTERNAL = 13       /* a bug of this library */
} tilewright_status;

/* Name of a status, as "OUT_OF_PAGES". Never NULL. */
TILEWRIGHT_API const char *tilewright_status_name(tilewright_status status);

/* Message of the last failed call on this thread; empty if there was none.
   Valid until the next call on this thread. */
TILEWRIGHT_API const char *tilewright_last_error(void);

/*===-----------------------------------------------------------------------===*
 * Devices
 *===-----------------------------------------------------------------------===*/

typedef struct tilewright_device tilewright_device;

/* Opens a device by name:
     "cuda:N"        the Nth GPU of the system's libcuda.so.1
     "sim:SKU"       the simulator, as the GPU that SKU names ("sim:h800-sxm")
     "lib:PATH"      device 0 of the driver library at PATH
     "lib:PATH:N"    its device N
   The environment variable TILEWRIGHT_LIBCUDA, where set, is the driver
   library that "cuda:" and "sim:" open instead of their own. */
TILEWRIGHT_API tilewright_status
tilewright_device_create(const char *name, tilewright_device **out_device);
TILEWRIGHT_API void tilewright_device_destroy(tilewright_device *device);

typedef struct tilewright_device_info {
  size_t struct_size;
  const char *name;           /* as the driver reports it */
  int32_t compute_capability; /* 90 is 9.0 */
  int32_t num_sms;
  uint64_t memory_bytes;
  int32_t driver_version; /* 13000 is 13.0 */
} tilewright_device_info;
#define TILEWRIGHT_DEVICE_INFO_INIT                                            \
  {sizeof(tilewright_device_info), NULL, 0, 0, 0, 0}

TILEWRIGHT_API
tilewright_status tilewright_device_query(const tilewright_device *device,
                                          tilewright_device_info *out_info);

/*===-----------------------------------------------------------------------===*
 * Bundles: usable without a device
 *===-----------------------------------------------------------------------===*/

typedef struct tilewright_bundle tilewright_bundle;

/* Opens and validates the bundle file at `path`. */
TILEWRIGHT_API tilewright_status
tilewright_bundle_open(const char *path, tilewright_bundle **out_bundle);
/* The same for a bundle in memory, which is copied; `name` is for messages. */
TILEWRIGHT_API tilewright_status
tilewright_bundle_open_memory(const void *data, size_t size, const char *name,
                              tilewright_bundle **out_bundle);
TILEWRIGHT_API void tilewright_bundle_destroy(tilewright_bundle *bundle);

typedef struct tilewright_bundle_info {
  size_t struct_size;
  const char *family; /* "llama", ... */
  const char *target; /* "sm_90a" */
  const char *sku;    /* the GPU that its kernels were chosen for */
  int64_t vocab_size;
  int64_t max_context; /* longest sequence */
  int64_t max_tokens;  /* most new tokens in one step, over all sequences */
  int64_t max_seqs;    /* most sequences in one step */
  int64_t max_rows;    /* most rows of logits in one step */
  int64_t page_size;   /* tokens per page of the KV cache */
  int64_t page_bytes;  /* bytes of one page, over all layers */
  int64_t weight_bytes;
  const int32_t *eos_tokens;
  size_t num_eos_tokens;
  size_t num_kernels;
  int32_t batch_invariant; /* 1: a sequence's bits do not depend on its batch */
} tilewright_bundle_info;
#define TILEWRIGHT_BUNDLE_INFO_INIT                                            \
  {sizeof(tilewright_bundle_info),                                             \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   0,                                                                          \
   0,                                                                          \
   0,                                                                          \
   0,                                                                          \
   0,                                                                          \
   0,                                                                          \
   0,                                                                          \
   0,                                                                          \
   NULL,                                                                       \
   0,                                                                          \
   0,                                                                          \
   0}

TILEWRIGHT_API
tilewright_status tilewright_bundle_query(const tilewright_bundle *bundle,
                                          tilewright_bundle_info *out_info);

/* The manifest as JSON text of `*out_size` bytes, not NUL-terminated. Its
   fields are documented in runtime/README.md. */
TILEWRIGHT_API tilewright_status tilewright_bundle_manifest(
    const tilewright_bundle *bundle, const char **out_json, size_t *out_size);

typedef struct tilewright_kernel_info {
  size_t struct_size;
  const char *name;
  const char *family; /* "gemm", ... */
  const char *ptx;    /* text of ptx_size bytes, not NUL-terminated */
  size_t ptx_size;
} tilewright_kernel_info;
#define TILEWRIGHT_KERNEL_INFO_INIT                                            \
  {sizeof(tilewright_kernel_info), NULL, NULL, NULL, 0}

/* Kernel `index` of `num_kernels`. */
TILEWRIGHT_API tilewright_status
tilewright_bundle_kernel(const tilewright_bundle *bundle, size_t index,
                         tilewright_kernel_info *out_info);

/*===-----------------------------------------------------------------------===*
 * Models: a bundle's kernels and a checkpoint's weights on a device
 *===-----------------------------------------------------------------------===*/

typedef struct tilewright_model tilewright_model;

/* Called on the loading thread; return nonzero to cancel the load. */
typedef int (*tilewright_progress_callback)(void *user, uint64_t done_bytes,
                                            uint64_t total_bytes);

typedef struct tilewright_model_options {
  size_t struct_size;
  tilewright_progress_callback progress; /* NULL: none */
  void *user;
  int32_t num_threads; /* that transform weights; 0: all cores */
} tilewright_model_options;
#define TILEWRIGHT_MODEL_OPTIONS_INIT                                          \
  {sizeof(tilewright_model_options), NULL, NULL, 0}

/* Loads the kernels, reads the safetensors files in the directory `weights`
   (or the one file, or the index, that it names), transforms the tensors as the
   bundle says, and uploads them. `options` may be NULL. */
TILEWRIGHT_API tilewright_status tilewright_model_load(
    tilewright_device *device, tilewright_bundle *bundle, const char *weights,
    const tilewright_model_options *options, tilewright_model **out_model);
TILEWRIGHT_API void tilewright_model_destroy(tilewright_model *model);

/*===-----------------------------------------------------------------------===*
 * Sessions: a paged KV cache and the steps on it
 *===-----------------------------------------------------------------------===*/

typedef struct tilewright_session tilewright_session;
typedef struct tilewright_sequence tilewright_sequence;

typedef enum tilewright_graphs {
  TILEWRIGHT_GRAPHS_AUTO = 0, /* decode steps, if the driver can */
  TILEWRIGHT_GRAPHS_OFF = 1,
  TILEWRIGHT_GRAPHS_ON = 2 /* refuse the session if the driver cannot */
} tilewright_graphs;

typedef struct tilewright_session_options {
  size_t struct_size;
  /* 0: enough for 8 sequences of max_context (or max_seqs, if that is less), as
     far as the device's memory goes; shorter ones share the pages. */
  int64_t num_pages;
  /* Pages [0, caller_pages) are the caller's, to be named in `pages` of an
     input; the others belong to the built-in allocator. */
  int64_t caller_pages;
  tilewright_graphs graphs;
} tilewright_session_options;
#define TILEWRIGHT_SESSION_OPTIONS_INIT                                        \
  {sizeof(tilewright_session_options), 0, 0, TILEWRIGHT_GRAPHS_AUTO}

/* Allocates the cache and all that a step needs. `options` may be NULL. */
TILEWRIGHT_API tilewright_status tilewright_session_create(
    tilewright_model *model, const tilewright_session_options *options,
    tilewright_session **out_session);
TILEWRIGHT_API void tilewright_session_destroy(tilewright_session *session);

typedef struct tilewright_session_info {
  size_t struct_size;
  int64_t num_pages;
  int64_t free_pages;    /* of the built-in allocator */
  int64_t steps;         /* steps run so far */
  int64_t launches;      /* kernels launched so far, replayed ones included */
  int64_t last_launches; /* kernels of the last step */
  int64_t graphs;        /* CUDA graphs captured so far */
} tilewright_session_info;
#define TILEWRIGHT_SESSION_INFO_INIT                                           \
  {sizeof(tilewright_session_info), 0, 0, 0, 0, 0, 0}

TILEWRIGHT_API tilewright_status tilewright_session_query(
    const tilewright_session *session, tilewright_session_info *out_info);

/* An empty sequence, whose pages the built-in allocator provides. */
TILEWRIGHT_API tilewright_status tilewright_sequence_create(
    tilewright_session *session, tilewright_sequence **out_sequence);
/* Frees its pages. */
TILEWRIGHT_API void tilewright_sequence_destroy(tilewright_sequence *sequence);
/* Tokens whose keys and values are in the cache. */
TILEWRIGHT_API int64_t
tilewright_sequence_length(const tilewright_sequence *sequence);
/* Forgets all tokens from `length` on, and frees the pages they leave. */
TILEWRIGHT_API tilewright_status
tilewright_sequence_truncate(tilewright_sequence *sequence, int64_t length);

typedef struct tilewright_sampling {
  float temperature;    /* 0: greedy */
  float top_p;          /* in (0, 1]; 1: off */
  int32_t top_k;        /* 0: off */
  int32_t sample_index; /* tokens sampled so far in this sequence */
  uint64_t seed;        /* equal seed, index and logits give an equal token */
} tilewright_sampling;
#define TILEWRIGHT_SAMPLING_INIT {0.0f, 1.0f, 0, 0, 0}

/* Of which tokens of an input the logits are computed and the next token is
   chosen. Each is one row of the step's results. */
typedef enum tilewright_rows {
  TILEWRIGHT_ROWS_LAST = 0, /* of the last: to go on from here */
  TILEWRIGHT_ROWS_NONE = 1, /* of none: more of the prompt follows */
  TILEWRIGHT_ROWS_ALL = 2   /* of every one: to score a text */
} tilewright_rows;

/* One sequence's part in a step. */
typedef struct tilewright_step_input {
  /* From tilewright_sequence_create; NULL: the caller manages the pages. */
  tilewright_sequence *sequence;
  const int32_t *tokens; /* at least one new token */
  size_t num_tokens;
  /* Only where `sequence` is NULL: the pages that hold the sequence, from its
     first token on, at least enough for past_length + num_tokens; and the
     tokens that are in them already. Pages that are only read may be shared. */
  const int32_t *pages;
  size_t num_pages;
  int64_t past_length;
  tilewright_rows rows;
  tilewright_sampling sampling;
} tilewright_step_input;
#define TILEWRIGHT_STEP_INPUT_INIT                                             \
  {NULL, NULL, 0, NULL, 0, 0, TILEWRIGHT_ROWS_LAST, TILEWRIGHT_SAMPLING_INIT}

typedef struct tilewright_batch {
  size_t struct_size;
  size_t input_size; /* sizeof(tilewright_step_input) */
  const tilewright_step_input *inputs;
  size_t num_inputs;
  /* Where to put the results, row by row in the order of the inputs; each may
     be NULL. The capacities count rows. */
  int32_t *next_tokens;
  size_t next_tokens_capacity;
  float *logits; /* [rows, vocab_size] */
  size_t logits_capacity;
} tilewright_batch;
#define TILEWRIGHT_BATCH_INIT                                                  \
  {sizeof(tilewright_batch),                                                   \
   sizeof(tilewright_step_input),                                              \
   NULL,                                                                       \
   0,                                                                          \
   NULL,                                                                       \
   0,                                                                          \
   NULL,                                                                       \
   0}

/* Runs the model once over all inputs: any mix of prompts, parts of prompts
   and single tokens. Waits for the results. Where it fails before the launch
   (INVALID_ARGUMENT, OUT_OF_PAGES), no sequence has changed; after
   LAUNCH_FAILED the session is lost. `out_num_rows` may be NULL. */
TILEWRIGHT_API tilewright_status
tilewright_session_step(tilewright_session *session,
                        const tilewright_batch *batch, size_t *out_num_rows);

/*===-----------------------------------------------------------------------===*
 * Generation: prompts in, tokens out
 *===-----------------------------------------------------------------------===*/

typedef struct tilewright_prompt {
  const int32_t *tokens; /* at least one */
  size_t num_tokens;
  size_t max_new_tokens;
  tilewright_sampling sampling;
} tilewright_prompt;
#define TILEWRIGHT_PROMPT_INIT {NULL, 0, 0, TILEWRIGHT_SAMPLING_INIT}

typedef enum tilewright_finish {
  TILEWRIGHT_FINISH_LENGTH = 0, /* max_new_tokens reached */
  TILEWRIGHT_FINISH_EOS = 1, /* an end-of-sequence token, the last one given */
  TILEWRIGHT_FINISH_CONTEXT = 2 /* max_context reached */
} tilewright_finish;

/* Called for each new token of prompt `index`, in order within a prompt.
   Return nonzero to stop the whole generation. */
typedef int (*tilewright_token_callback)(void *user, size_t index,
                                         int32_t token);

typedef struct tilewright_generate_options {
  size_t struct_size;
  tilewright_token_callback on_token; /* NULL: none */
  void *user;
  int32_t ignore_eos; /* 1: go on to max_new_tokens */
} tilewright_generate_options;
#define TILEWRIGHT_GENERATE_OPTIONS_INIT                                       \
  {sizeof(tilewright_generate_options), NULL, NULL, 0}

typedef struct tilewright_generation tilewright_generation;

/* Continues all prompts together, as many at a time as the bundle and the
   free pages allow; the others follow as soon as there is room. A prompt that
   is longer than a step is cut into steps. `options` may be NULL. */
TILEWRIGHT_API tilewright_status tilewright_generate(
    tilewright_session *session, const tilewright_prompt *prompts,
    size_t num_prompts, const tilewright_generate_options *options,
    tilewright_generation **out_generation);
TILEWRIGHT_API void
tilewright_generation_destroy(tilewright_generation *generation);

/* New tokens of prompt `index`, and why it ended. */
TILEWRIGHT_API tilewright_status tilewright_generation_tokens(
    const tilewright_generation *generation, size_t index,
    const int32_t **out_tokens, size_t *out_num_tokens,
    tilewright_finish *out_finish);

typedef struct tilewright_generation_info {
  size_t struct_size;
  double prefill_seconds; /* in steps that held a part of a prompt */
  double decode_seconds;  /* in all other steps */
  int64_t prefill_tokens; /* tokens that went into the former */
  int64_t decode_tokens;  /* tokens that came out of the latter */
  int64_t prefill_steps;
  int64_t decode_steps;
} tilewright_generation_info;
#define TILEWRIGHT_GENERATION_INFO_INIT                                        \
  {sizeof(tilewright_generation_info), 0, 0, 0, 0, 0, 0}

TILEWRIGHT_API tilewright_status
tilewright_generation_query(const tilewright_generation *generation,
                            tilewright_generation_info *out_info);

/* Logits after every token of each prompt: `out_logits[i]` has room for
   num_tokens * vocab_size values. Only `tokens` and `num_tokens` of the prompts
   are read. */
TILEWRIGHT_API tilewright_status
tilewright_logits(tilewright_session *session, const tilewright_prompt *prompts,
                  size_t num_prompts, float *const *out_logits);

#ifdef __cplusplus
}
#endif

#endif /* TILEWRIGHT_RUNTIME_TILEWRIGHT_H */
