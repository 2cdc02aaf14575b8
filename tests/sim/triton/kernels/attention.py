"""Fused attention: the running softmax over blocks of keys."""

import triton
import triton.language as tl


@triton.jit
def attend_blocks(total, weight, top, q, k, v, row, first, last, keys, scale, DEPTH: tl.constexpr, BLOCK_K: tl.constexpr,
                  CAUSAL: tl.constexpr):
    depth = tl.arange(0, DEPTH)
    for start in tl.range(first, last, BLOCK_K):
        key = start + tl.arange(0, BLOCK_K)
        there = key < keys
        k_tile = tl.load(k + key[None, :] * DEPTH + depth[:, None], mask=there[None, :], other=0.0)
        scores = tl.dot(q, k_tile) * scale
        seen = there[None, :]
        if CAUSAL:
            seen = seen & (row[:, None] >= key[None, :])
        scores = tl.where(seen, scores, -float("inf"))
        higher = tl.maximum(top, tl.max(scores, 1))
        chance = tl.exp2(scores - higher[:, None])
        shrink = tl.exp2(top - higher)
        weight = weight * shrink + tl.sum(chance, 1)
        v_tile = tl.load(v + key[:, None] * DEPTH + depth[None, :], mask=there[:, None], other=0.0)
        total = tl.dot(chance.to(v.dtype.element_ty), v_tile, total * shrink[:, None])
        top = higher
    return total, weight, top


@triton.jit
def attention(q, k, v, out, log_sum, queries, keys, scale, DEPTH: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr,
              CAUSAL: tl.constexpr):
    """One block of queries of one head; scale includes log2(e)."""
    block = tl.program_id(0)
    head = tl.program_id(1)
    q += head * queries * DEPTH
    k += head * keys * DEPTH
    v += head * keys * DEPTH
    out += head * queries * DEPTH
    row = block * BLOCK_Q + tl.arange(0, BLOCK_Q)
    depth = tl.arange(0, DEPTH)
    q_tile = tl.load(q + row[:, None] * DEPTH + depth[None, :], mask=row[:, None] < queries, other=0.0)
    total = tl.zeros((BLOCK_Q, DEPTH), dtype=tl.float32)
    weight = tl.zeros((BLOCK_Q,), dtype=tl.float32)
    top = tl.full((BLOCK_Q,), -float("inf"), dtype=tl.float32)
    if CAUSAL:
        whole = block * BLOCK_Q // BLOCK_K * BLOCK_K
        total, weight, top = attend_blocks(total, weight, top, q_tile, k, v, row, 0, whole, keys, scale, DEPTH, BLOCK_K, False)
        end = tl.minimum((block + 1) * BLOCK_Q, keys)
        total, weight, top = attend_blocks(total, weight, top, q_tile, k, v, row, whole, end, keys, scale, DEPTH, BLOCK_K, True)
    else:
        total, weight, top = attend_blocks(total, weight, top, q_tile, k, v, row, 0, keys, keys, scale, DEPTH, BLOCK_K, False)
    inside = row < queries
    tl.store(out + row[:, None] * DEPTH + depth[None, :], (total / weight[:, None]).to(out.dtype.element_ty), mask=inside[:, None])
    tl.store(log_sum + head * queries + row, top + tl.log2(weight), mask=inside)


@triton.jit
def attention_by_maps(q_map, k_map, v_map, out, queries, keys, scale, DEPTH: tl.constexpr, BLOCK_Q: tl.constexpr,
                      BLOCK_K: tl.constexpr, SPECIALIZE: tl.constexpr):
    """The same for whole blocks, through tensor maps: TMA from sm_90 on. Rows of all heads follow each other."""
    block = tl.program_id(0)
    head = tl.program_id(1)
    first = head * queries + block * BLOCK_Q
    q_tile = q_map.load([first, 0])
    total = tl.zeros((BLOCK_Q, DEPTH), dtype=tl.float32)
    weight = tl.zeros((BLOCK_Q,), dtype=tl.float32)
    top = tl.full((BLOCK_Q,), -float("inf"), dtype=tl.float32)
    for start in tl.range(0, keys, BLOCK_K, warp_specialize=SPECIALIZE):
        scores = tl.dot(q_tile, k_map.load([head * keys + start, 0]).T) * scale
        higher = tl.maximum(top, tl.max(scores, 1))
        chance = tl.exp2(scores - higher[:, None])
        shrink = tl.exp2(top - higher)
        weight = weight * shrink + tl.sum(chance, 1)
        total = tl.dot(chance.to(v_map.dtype), v_map.load([head * keys + start, 0]), total * shrink[:, None])
        top = higher
    row = first + tl.arange(0, BLOCK_Q)
    place = row[:, None] * DEPTH + tl.arange(0, DEPTH)[None, :]
    tl.store(out + place, (total / weight[:, None]).to(out.dtype.element_ty))


@triton.jit
def attention_backward(q, k, v, do, dq, dk, dv, log_sum, delta, queries, keys, scale, DEPTH: tl.constexpr, BLOCK: tl.constexpr):
    """dk and dv of a block of keys; dq by atomics. `scale` includes log2(e), delta is sum(out * do) of each row."""
    block = tl.program_id(0)
    head = tl.program_id(1)
    depth = tl.arange(0, DEPTH)
    key = head * keys + block * BLOCK + tl.arange(0, BLOCK)
    k_tile = tl.load(k + key[:, None] * DEPTH + depth[None, :])
    v_tile = tl.load(v + key[:, None] * DEPTH + depth[None, :])
    dk_total = tl.zeros((BLOCK, DEPTH), dtype=tl.float32)
    dv_total = tl.zeros((BLOCK, DEPTH), dtype=tl.float32)
    for start in range(0, queries, BLOCK):
        row = head * queries + start + tl.arange(0, BLOCK)
        q_tile = tl.load(q + row[:, None] * DEPTH + depth[None, :])
        do_tile = tl.load(do + row[:, None] * DEPTH + depth[None, :])
        scores = tl.dot(k_tile, tl.trans(q_tile)) * scale
        chance = tl.exp2(scores - tl.load(log_sum + row)[None, :])
        dv_total = tl.dot(chance.to(do.dtype.element_ty), do_tile, dv_total)
        slope = chance * (tl.dot(v_tile, tl.trans(do_tile)) - tl.load(delta + row)[None, :])
        slope = slope.to(q.dtype.element_ty)
        dk_total = tl.dot(slope, q_tile, dk_total)
        tl.atomic_add(dq + row[:, None] * DEPTH + depth[None, :], tl.dot(tl.trans(slope), k_tile), sem="relaxed")
    tl.store(dk + key[:, None] * DEPTH + depth[None, :], dk_total)
    tl.store(dv + key[:, None] * DEPTH + depth[None, :], dv_total)
