// RUN: tilewright-translate %s --require-clean | FileCheck %s

#rows8 = #tile.layout<thread = [8:(0, 8), 16:(1, 0)], register = [8:(0, 1)]>
#column = #tile.layout<thread = [8:(0, 0), 16:(1, 0)], register = []>
#pairs = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 8:(0, 8)]>

// Eight elements of 16 bits are one access; all rows and columns exist, so
// nothing is compared.
// CHECK-LABEL: .entry whole(
// CHECK-NOT:     setp
// CHECK:         ld.global.v4.b32
// CHECK-NOT:     setp
// CHECK:         st.global.v4.b32
// CHECK:         ret
tile.kernel @whole(%x: !tile.global<16x64xbf16>, %y: !tile.global<16x64xbf16>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "pointer", arg = 0}, {kind = "pointer", arg = 1}]} {
  %c0 = arith.constant 0 : index
  %f = tile.load %x[%c0, %c0] : !tile.global<16x64xbf16> to !tile.fragment<16x64xbf16, #rows8>
  tile.store %f to %y[%c0, %c0] : !tile.fragment<16x64xbf16, #rows8>, !tile.global<16x64xbf16>
}

// The rows are compared with the number of tokens, the columns are not.
// CHECK-LABEL: .entry clipped(
// CHECK-DAG:     ld.param.b32 %[[TOKENS:r[0-9]+]], [clipped_param_1]
// CHECK:         setp.lt.u32 %[[IN:p[0-9]+]], %{{r[0-9]+}}, %[[TOKENS]]
// CHECK-NOT:     setp
// CHECK:         @%[[IN]] ld.global.L1::no_allocate.v4.b32
// CHECK-NOT:     setp
// CHECK:         @%[[IN]] st.global.v4.b32
tile.kernel @clipped(%x: !tile.global<?x64xbf16, [tokens]>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "pointer", arg = 0}, {kind = "size", value = "tokens"}]} {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %i = tile.program_id 0 : index
  %row = arith.muli %i, %c16 : index
  %f = tile.load %x[%row, %c0] {stream} : !tile.global<?x64xbf16, [tokens]> to !tile.fragment<16x64xbf16, #rows8>
  tile.store %f to %x[%row, %c0] : !tile.fragment<16x64xbf16, #rows8>, !tile.global<?x64xbf16, [tokens]>
}

// A column that starts at an unknown place rules out vectors.
// CHECK-LABEL: .entry unaligned(
// CHECK-COUNT-8: ld.global.b16
// CHECK-NOT:     ld.global
tile.kernel @unaligned(%x: !tile.global<16x128xbf16>, %y: !tile.global<16x64xbf16>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "pointer", arg = 0}, {kind = "pointer", arg = 1}]} {
  %c0 = arith.constant 0 : index
  %i = tile.program_id 0 : index
  %f = tile.load %x[%c0, %i] : !tile.global<16x128xbf16> to !tile.fragment<16x64xbf16, #rows8>
  tile.store %f to %y[%c0, %c0] : !tile.fragment<16x64xbf16, #rows8>, !tile.global<16x64xbf16>
}

// The accumulator of a product holds pairs, so a word is the widest access.
// CHECK-LABEL: .entry accumulator(
// CHECK-COUNT-16: st.global.b32
// CHECK-NOT:      st.global
tile.kernel @accumulator(%y: !tile.global<64x64xbf16>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : bf16
  %f = tile.splat %one : bf16 to !tile.fragment<64x64xbf16, #pairs>
  tile.store %f to %y[%c0, %c0] : !tile.fragment<64x64xbf16, #pairs>, !tile.global<64x64xbf16>
}

// Gathered rows: a negative one is skipped and reads as the fill. Of the threads
// that hold the same row number, each loads its own part of the row.
// CHECK-LABEL: .entry gather(
// CHECK:         ld.global.b32 %[[ROW:r[0-9]+]]
// CHECK:         setp.{{gt|ge}}.s32 %[[WANTED:p[0-9]+]], %[[ROW]], {{-1|0}}
// CHECK:         setp.lt.u32 %[[EXISTS:p[0-9]+]], %[[ROW]],
// CHECK:         and.pred %[[IN:p[0-9]+]], {{.*}}%[[EXISTS]]
// CHECK:         mov.b32 %[[FILL:r[0-9]+]], 1065369472
// CHECK:         @%[[IN]] ld.global.v4.b32
tile.kernel @gather(%x: !tile.global<?x64xbf16, [tokens]>, %ids: !tile.global<16xi32>, %y: !tile.global<16x64xbf16>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>,
                params = [{kind = "pointer", arg = 0}, {kind = "pointer", arg = 1}, {kind = "pointer", arg = 2}, {kind = "size", value = "tokens"}]} {
  %c0 = arith.constant 0 : index
  %id = tile.load %ids[%c0] {dims = array<i64: 0, -1>} : !tile.global<16xi32> to !tile.fragment<16x1xi32, #column>
  %f = tile.load %x[%c0, %c0] rows(%id : !tile.fragment<16x1xi32, #column>) {fill = 1.0 : bf16}
      : !tile.global<?x64xbf16, [tokens]> to !tile.fragment<16x64xbf16, #rows8>
  tile.store %f to %y[%c0, %c0] : !tile.fragment<16x64xbf16, #rows8>, !tile.global<16x64xbf16>
}

// Eight threads hold each element of the column; one of them writes it.
// CHECK-LABEL: .entry replicated(
// CHECK:         and.b32 %[[DIGIT:r[0-9]+]], %{{r[0-9]+}}, 7
// CHECK:         setp.eq.b32 %[[OWNER:p[0-9]+]], %[[DIGIT]], 0
// CHECK:         @%[[OWNER]] st.global.b32
tile.kernel @replicated(%y: !tile.global<16x1xi32>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %f = tile.iota 0 : !tile.fragment<16x1xi32, #column>
  tile.store %f to %y[%c0, %c0] : !tile.fragment<16x1xi32, #column>, !tile.global<16x1xi32>
}
