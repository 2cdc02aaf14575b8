// RUN: tilewright-opt %s -lower-tile-to-nvvm -canonicalize -cse | FileCheck %s
// RUN: tilewright-translate %s --require-clean | FileCheck %s --check-prefix=PTX

#acc = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 2:(0, 8)]>
#half = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0)]>

// Pairs of bf16 share a word: widened by a shift and a mask, rounded by one
// instruction.
// CHECK-LABEL: llvm.func @casts
// CHECK-COUNT-4: llvm.shl
// CHECK-COUNT-4: nvvm.convert.f32x2.to.bf16x2 %{{.*}}, %{{.*}} {rnd = #nvvm.fp_rnd_mode<rn>}
// PTX-LABEL: .entry casts(
// PTX-NOT:     cvt.f32.bf16
// PTX-COUNT-4: cvt.rn.bf16x2.f32
// PTX-NOT:     cvt
// PTX:         ret
tile.kernel @casts(%x: !tile.global<64x16xbf16>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %f = tile.load %x[%c0, %c0] : !tile.global<64x16xbf16> to !tile.fragment<64x16xbf16, #acc>
  %w = tile.cast %f : !tile.fragment<64x16xbf16, #acc> to !tile.fragment<64x16xf32, #acc>
  %s = arith.mulf %w, %w : !tile.fragment<64x16xf32, #acc>
  %r = tile.cast %s : !tile.fragment<64x16xf32, #acc> to !tile.fragment<64x16xbf16, #acc>
  tile.store %r to %x[%c0, %c0] : !tile.fragment<64x16xbf16, #acc>, !tile.global<64x16xbf16>
}

// Taking groups of eight columns apart and putting them together the other way
// round renames registers: what was loaded from one is stored to the other.
// PTX-LABEL: .entry swap(
// PTX:         ld.global.v2.b32 {%[[A:r[0-9]+]], %[[B:r[0-9]+]]}, [%[[P:rd[0-9]+]]]
// PTX:         ld.global.v2.b32 {%[[C:r[0-9]+]], %[[D:r[0-9]+]]}, [%[[P]]+32]
// PTX:         st.global.v2.b32 [%[[P]]], {%[[C]], %[[D]]}
// PTX:         st.global.v2.b32 [%[[P]]+32], {%[[A]], %[[B]]}
tile.kernel @swap(%x: !tile.global<64x16xf32>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %f = tile.load %x[%c0, %c0] : !tile.global<64x16xf32> to !tile.fragment<64x16xf32, #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(0, 8), 2:(8, 0)]>>
  %even, %odd = tile.deinterleave %f 1 group 8 : !tile.fragment<64x16xf32, #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(0, 8), 2:(8, 0)]>> to !tile.fragment<64x8xf32, #half>
  %g = tile.interleave %odd, %even 1 group 8 : !tile.fragment<64x8xf32, #half> to !tile.fragment<64x16xf32, #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(0, 8), 2:(8, 0)]>>
  tile.store %g to %x[%c0, %c0] : !tile.fragment<64x16xf32, #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(0, 8), 2:(8, 0)]>>, !tile.global<64x16xf32>
}

// The right half of an accumulator is its last registers.
// PTX-LABEL: .entry extract(
// PTX:         st.global.v2.b32
tile.kernel @extract(%x: !tile.global<64x8xf32>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %i = tile.iota 1 : !tile.fragment<64x16xi32, #acc>
  %e = tile.extract %i [0, 8] : !tile.fragment<64x16xi32, #acc> to !tile.fragment<64x8xi32, #half>
  %f = tile.cast %e : !tile.fragment<64x8xi32, #half> to !tile.fragment<64x8xf32, #half>
  tile.store %f to %x[%c0, %c0] : !tile.fragment<64x8xf32, #half>, !tile.global<64x8xf32>
}
