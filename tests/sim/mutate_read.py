"""Why some silent twins miss nothing, read by hand in the PTX where neither a proof nor a second removal says it.

(case, fault, lines or none for all of them, why); cases are kernel, architecture and the head of the PTX's hash.
"""

ROLES = "Triton initializes it for a hand-over that no code uses"
FIRST_ROUND = "the stage is filled once, and the wait for an empty stage passes at once in its first round"
WARPGROUP = "between the wait for a product and what follows it: a product is one operation of all four warps"
ONE_THREAD = "thread 0 expects and the elected lane copies, which is the same thread"
TWO_BOXES = "the copies before and behind go to different bytes; the barrier before the first one lies behind the last reads"
LOOP_WAITED = "all products were waited for in the loop, or none was issued"
BLOCK_BARRIER = "a barrier of the whole block follows before anybody else goes on"
PHASE_FIRST = "who comes past it waits for the stage's phase, which orders the rest"
STAGE_BELOW = "lanes read stages through products only, each of which is one operation of all lanes that they have waited for"

NOBODY_READS = "the atomics' places are all that threads share: there is nothing to publish"
HAND_OVER = "who read the last tile's part in this buffer is waited for: by the barrier behind its sums, by mbarrier in other CTAs"

READ = [
    ("attention-80-25001801", "wait for copies removed|wait leaves one group more", [1272],
     "the copies under way fill bytes from 16384 on, and behind the loop only bytes below are touched"),
    ("attention-90-878e6bff", "barrier removed", [826],
     "the stage that is refilled was read an iteration ago; line 433 and the wait for products in line 466 lie between"),
    ("attention_by_maps-80-6566240f", "barrier removed", [3175],
     "what the epilogue overwrites was last read in the prologue, before the barriers of the loads"),
    ("attention_by_maps-90-4af625f2", "barrier removed", [834, 962, 976], TWO_BOXES),
    ("attention_by_maps-90-b329c08b", "one arrival more expected", [101, 109], FIRST_ROUND),
    ("attention_by_maps-90-b329c08b", "one arrival more expected", None, ROLES),
    ("attention_by_maps-90-b329c08b", "wait for a phase removed|arrival removed", None, FIRST_ROUND),
    ("attention_by_maps-90-b329c08b", "barrier removed", [176, 329], BLOCK_BARRIER),
    ("attention_by_maps-90-b329c08b", "barrier removed", [216, 276, 316], ONE_THREAD),
    ("attention_by_maps-90-b329c08b", "barrier removed", [999, 1470], WARPGROUP),
    ("copy_box_2-90-a6e8b1ee", "barrier removed", [92], "each thread stores where it has read itself"),
    ("layer_norm_backward-*", "order of an atomic dropped", None,
     "the flag is only touched under the lock, whose own atomics release and acquire"),
    ("map_reduction-90-2b58f579", "fence removed", [83],
     "the bytes came by a tensor copy and go out by one; threads wrote the mbarrier alone, whose phase is over"),
    ("matmul_persistent_device_maps-90-3bebb4c4", "barrier removed", [669], WARPGROUP),
    ("matmul_persistent_device_maps-90-3bebb4c4", "barrier removed", [688], TWO_BOXES),
    ("matmul_persistent_device_maps-90-3bebb4c4", "barrier removed", [830],
     "the barriers of the last tile's epilogue, lines 742 and 754, lie between the last wait on the mbarriers and their end"),
    ("matmul_persistent_device_maps-90-3bebb4c4", "wait for products removed|wait leaves one product more", [833], LOOP_WAITED),
    ("matmul_persistent_host_maps-90-9197baaa", "barrier removed", [495], WARPGROUP),
    ("matmul_persistent_host_maps-90-9197baaa", "barrier removed", [514], TWO_BOXES),
    ("matmul_persistent_host_maps-90-9197baaa", "barrier removed", [656],
     "the barriers of the last tile's epilogue, lines 568 and 580, lie between the last wait on the mbarriers and their end"),
    ("matmul_persistent_host_maps-90-9197baaa", "wait for products removed|wait leaves one product more", [659], LOOP_WAITED),
    ("matmul_persistent_host_maps-90-aa4617dd", "one arrival more expected", [109, 117, 125], ROLES),
    ("matmul_persistent_host_maps-90-aa4617dd", "barrier removed", [131, 805], BLOCK_BARRIER),
    ("matmul_persistent_host_maps-90-aa4617dd", "barrier removed", [231, 243], ONE_THREAD),
    ("matmul_persistent_host_maps-90-aa4617dd", "barrier removed", [353, 514, 606, 765], WARPGROUP),
    ("pipelined-90-9042760c", "barrier removed", None, TWO_BOXES),
    ("specialized-90-c0f57ec8", "one arrival more expected", [93], ROLES),
    ("specialized-90-c0f57ec8", "barrier removed", [274, 332], WARPGROUP),
    ("specialized-90-c0f57ec8", "warp barrier removed", [478, 491], ONE_THREAD),
    ("specialized-90-c0f57ec8", "barrier removed", [227], WARPGROUP),
    ("atomics-*", "order of an atomic dropped", None, NOBODY_READS),
    ("compare_and_swap-*", "order of an atomic dropped", None, NOBODY_READS),
    ("copy_box_[34]-90-*", "barrier removed", [101, 105], "each thread stores where it has read itself"),
    ("softmax-80-0817ea7a", "barrier removed", [107, 142], "copies into different stages stand on both sides"),
    ("gemm_*", "warp barrier removed", None, STAGE_BELOW),
    ("attention_*", "warp barrier removed", None, STAGE_BELOW),
    ("chained-*", "warp barrier removed", None, STAGE_BELOW),
    ("chained-*", "one arrival (more|less) expected|wait for a phase removed|arrival removed", None, FIRST_ROUND),
    ("attention_forward_0-*", "one arrival (more|less) expected|wait for a phase removed|arrival removed", None,
     "it is the queries' stage: " + FIRST_ROUND),
    ("gemm_200x1416_add_forward_0-4f8bc63a", "barrier removed", [470], HAND_OVER),
    ("gemm_392x2056_add_forward_0-b2f1f53e", "barrier removed", [419], HAND_OVER),
    ("gemm_392x2056_add_forward_0-b2f1f53e", "cluster (arrival relaxed|wait removed)", [724, 725],
     "before it exits, a CTA has waited by mbarrier until the first CTA has read its part, and that one for the arrivals of all"),
    ("gemm_512x1032_rope_append_forward_0-74922722", "barrier removed", [327, 524, 717],
     "the barriers of the next tile's epilogue come before the next store to that place"),
]
