// RUN: tilewright-translate %s --require-clean | FileCheck %s

#acc = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 8:(0, 8)]>
#rows = #tile.layout<thread = [8:(0, 8), 16:(1, 0)], register = [8:(0, 1), 4:(16, 0)]>

// An accumulator of 16-bit elements goes to shared memory by stmatrix, four
// matrices at a time; rows are read back 16 bytes a thread.
// CHECK-LABEL: .entry store_matrix(
// CHECK-COUNT-4: stmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-NOT:     stmatrix
// CHECK:         bar.sync
// CHECK-COUNT-4: ld.shared.v4.b32
// CHECK-NOT:     ld.shared
tile.kernel @store_matrix(%y: !tile.global<64x64xbf16>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 8192 : i64, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xbf16, swizzle = 128>
  %i = tile.iota 1 : !tile.fragment<64x64xi32, #acc>
  %f = tile.cast %i : !tile.fragment<64x64xi32, #acc> to !tile.fragment<64x64xbf16, #acc>
  tile.store_matrix %f to %s : !tile.fragment<64x64xbf16, #acc>, !tile.shared<64x64xbf16, swizzle = 128>
  tile.sync
  %g = tile.load_matrix %s : !tile.shared<64x64xbf16, swizzle = 128> to !tile.fragment<64x64xbf16, #rows>
  tile.store %g to %y[%c0, %c0] : !tile.fragment<64x64xbf16, #rows>, !tile.global<64x64xbf16>
}

// CHECK-LABEL: .entry transposed(
// CHECK-COUNT-4: stmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK:         bar.sync
// CHECK-COUNT-4: ldmatrix.sync.aligned.m8n8.x4.shared.b16
tile.kernel @transposed(%y: !tile.global<64x64xbf16>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 8192 : i64, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xbf16, swizzle = 128>
  %i = tile.iota 1 : !tile.fragment<64x64xi32, #acc>
  %f = tile.cast %i : !tile.fragment<64x64xi32, #acc> to !tile.fragment<64x64xbf16, #acc>
  tile.store_matrix %f to %s transpose : !tile.fragment<64x64xbf16, #acc>, !tile.shared<64x64xbf16, swizzle = 128>
  tile.sync
  %g = tile.load_matrix %s : !tile.shared<64x64xbf16, swizzle = 128> to !tile.fragment<64x64xbf16, #acc>
  tile.store %g to %y[%c0, %c0] : !tile.fragment<64x64xbf16, #acc>, !tile.global<64x64xbf16>
}

// 32-bit elements have no matrix instruction: pairs, at permuted addresses.
// CHECK-LABEL: .entry words(
// CHECK-NOT:     stmatrix
// CHECK:         xor.b32
// CHECK:         st.shared.v2.b32
tile.kernel @words(%y: !tile.global<64x32xf32>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 8192 : i64, params = []} {
  %one = arith.constant 1.0 : f32
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<64x32xf32, swizzle = 128>
  %f = tile.splat %one : f32 to !tile.fragment<64x32xf32, #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 4:(0, 8)]>>
  tile.store_matrix %f to %s : !tile.fragment<64x32xf32, #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 4:(0, 8)]>>, !tile.shared<64x32xf32, swizzle = 128>
}

// A conversion between layouts of different threads goes through its scratch,
// with a barrier on either side of the write; one within threads is free.
// CHECK-LABEL: .entry convert(
// CHECK:         bar.sync
// CHECK:         st.shared
// CHECK:         bar.sync
// CHECK:         ld.shared
tile.kernel @convert(%y: !tile.global<64x64xbf16>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 8192 : i64, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xbf16>
  %i = tile.iota 1 : !tile.fragment<64x64xi32, #acc>
  %f = tile.cast %i : !tile.fragment<64x64xi32, #acc> to !tile.fragment<64x64xbf16, #acc>
  %g = tile.convert %f scratch(%s : !tile.shared<64x64xbf16>) : !tile.fragment<64x64xbf16, #acc> to !tile.fragment<64x64xbf16, #rows>
  tile.store %g to %y[%c0, %c0] : !tile.fragment<64x64xbf16, #rows>, !tile.global<64x64xbf16>
}

// Each element is added once, by the first thread that holds it: 64 elements
// over 128 threads are there twice.
// CHECK-LABEL: .entry histogram(
// CHECK:         setp.lt.u32 %[[OWNER:p[0-9]+]],
// CHECK:         @%p{{[0-9]+}} red.relaxed.cta.shared::cta.add.u32
// CHECK-NOT:     red.relaxed
tile.kernel @histogram()
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 8192 : i64, params = []} {
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<64xi32>
  %i = tile.iota 1 : !tile.fragment<1x64xi32, #tile.layout<thread = [64:(0, 1), 2:(0, 0)], register = []>>
  tile.add_at %i to %s[%i : !tile.fragment<1x64xi32, #tile.layout<thread = [64:(0, 1), 2:(0, 0)], register = []>>] : !tile.fragment<1x64xi32, #tile.layout<thread = [64:(0, 1), 2:(0, 0)], register = []>>, !tile.shared<64xi32>
}
