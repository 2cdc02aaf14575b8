// RUN: tilewright-opt %s -verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @weights
func.func @weights() {
  // CHECK: xf.weight "lm_head.weight" from f32 : tensor<128x64xbf16>
  %w = xf.weight "lm_head.weight" from f32 : tensor<128x64xbf16>
  %n = xf.weight "norm.weight" from bf16 : tensor<64xbf16>
  // CHECK: xf.rope_table theta = 1.000000e+05 : tensor<2048x32x2xf32>
  %t0 = xf.rope_table theta = 1.0e5 : tensor<2048x32x2xf32>
  // CHECK: scaling(#xf.linear_scaling<factor = 4.000000e+00>)
  %t1 = xf.rope_table theta = 5.0e5 scaling(#xf.linear_scaling<factor = 4.0>) : tensor<2048x32x2xf32>
  // CHECK: scaling(#xf.llama3_scaling<factor = 8.000000e+00, low_freq_factor = 1.000000e+00, high_freq_factor = 4.000000e+00, original_max_positions = 8192>)
  %t2 = xf.rope_table theta = 5.0e5 scaling(#xf.llama3_scaling<factor = 8.0, low_freq_factor = 1.0, high_freq_factor = 4.0, original_max_positions = 8192>) : tensor<2048x32x2xf32>
  // CHECK: xf.regroup_rows %{{.*}} period = 64 extent = 32 from = 16 to = 8 : tensor<128x64xbf16>
  %r = xf.regroup_rows %w period = 64 extent = 32 from = 16 to = 8 : tensor<128x64xbf16>
  // CHECK: xf.scale_columns %{{.*}}, %{{.*}} : tensor<128x64xbf16>, tensor<64xbf16>
  %s = xf.scale_columns %r, %n : tensor<128x64xbf16>, tensor<64xbf16>
  // CHECK: xf.concat %{{.*}}, %{{.*}} dim 0 : tensor<128x64xbf16>, tensor<128x64xbf16> -> tensor<256x64xbf16>
  %c = xf.concat %r, %s dim 0 : tensor<128x64xbf16>, tensor<128x64xbf16> -> tensor<256x64xbf16>
  return
}

// CHECK-LABEL: func @math
// CHECK-SAME: tensor<?x64xbf16, #xf.sizes<tokens>>
func.func @math(%x: tensor<?x64xbf16, #xf.sizes<tokens>>, %w: tensor<128x64xbf16>, %n: tensor<128xbf16>)
    -> tensor<?xf32, #xf.sizes<tokens>> {
  // CHECK: xf.matmul %{{.*}}, %{{.*}} : tensor<?x64xbf16, #xf.sizes<tokens>>, tensor<128x64xbf16> -> tensor<?x128xf32, #xf.sizes<tokens>>
  %y = xf.matmul %x, %w : tensor<?x64xbf16, #xf.sizes<tokens>>, tensor<128x64xbf16> -> tensor<?x128xf32, #xf.sizes<tokens>>
  // CHECK: xf.add
  %a = xf.add %y, %n : tensor<?x128xf32, #xf.sizes<tokens>>, tensor<128xbf16>
  // CHECK: xf.mul
  %m = xf.mul %a, %y : tensor<?x128xf32, #xf.sizes<tokens>>, tensor<?x128xf32, #xf.sizes<tokens>>
  // CHECK: xf.scale %{{.*}} by 5.000000e-01
  %s = xf.scale %m by 0.5 : tensor<?x128xf32, #xf.sizes<tokens>>
  // CHECK: xf.cast %{{.*}} : tensor<?x128xf32, #xf.sizes<tokens>> to tensor<?x128xbf16, #xf.sizes<tokens>>
  %c = xf.cast %s : tensor<?x128xf32, #xf.sizes<tokens>> to tensor<?x128xbf16, #xf.sizes<tokens>>
  // CHECK: xf.rms_norm %{{.*}}, %{{.*}}, epsilon = 9.99999974E-6
  %r = xf.rms_norm %c, %n, epsilon = 1.0e-5 : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<128xbf16>
  // CHECK: xf.activation gelu_tanh
  %g = xf.activation gelu_tanh %r : tensor<?x128xbf16, #xf.sizes<tokens>>
  // CHECK: xf.gated_activation silu %{{.*}} pair_distance = 8
  %p = xf.gated_activation silu %g pair_distance = 8 : tensor<?x128xbf16, #xf.sizes<tokens>> -> tensor<?x64xbf16, #xf.sizes<tokens>>
  // CHECK: xf.sum_squares %{{.*}} chunk = 48
  %q = xf.sum_squares %p chunk = 48 : tensor<?x64xbf16, #xf.sizes<tokens>> -> tensor<?x2xf32, #xf.sizes<tokens>>
  // CHECK: xf.rstd %{{.*}} count = 64 epsilon = 9.99999974E-6
  %d = xf.rstd %q count = 64 epsilon = 1.0e-5 : tensor<?x2xf32, #xf.sizes<tokens>> -> tensor<?xf32, #xf.sizes<tokens>>
  // CHECK: xf.scale_rows
  %z = xf.scale_rows %p, %d : tensor<?x64xbf16, #xf.sizes<tokens>>, tensor<?xf32, #xf.sizes<tokens>>
  // CHECK: xf.regroup_columns %{{.*}} period = 64 extent = 32 from = 16 to = 8
  %e = xf.regroup_columns %z period = 64 extent = 32 from = 16 to = 8 : tensor<?x64xbf16, #xf.sizes<tokens>>
  return %d : tensor<?xf32, #xf.sizes<tokens>>
}

// CHECK-LABEL: func @attention
func.func @attention(%table: tensor<100x128xbf16>, %ids: tensor<?xi32, #xf.sizes<tokens>>, %slots: tensor<?xi32, #xf.sizes<tokens>>,
                     %k0: tensor<?x1x16x64xbf16, #xf.sizes<pages>>, %blocks: tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>,
                     %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>,
                     %rows: tensor<?xi32, #xf.sizes<rows>>) {
  // CHECK: xf.embedding
  %x = xf.embedding %table, %ids : tensor<100x128xbf16>, tensor<?xi32, #xf.sizes<tokens>> -> tensor<?x128xbf16, #xf.sizes<tokens>>
  // CHECK: %{{.*}}:2 = xf.split %{{.*}} dim 1
  %a, %b = xf.split %x dim 1 : tensor<?x128xbf16, #xf.sizes<tokens>> -> tensor<?x64xbf16, #xf.sizes<tokens>>, tensor<?x64xbf16, #xf.sizes<tokens>>
  // CHECK: xf.reshape
  %h = xf.reshape %a : tensor<?x64xbf16, #xf.sizes<tokens>> to tensor<?x1x64xbf16, #xf.sizes<tokens>>
  %t = xf.rope_table theta = 1.0e4 : tensor<64x32x2xf32>
  // CHECK: xf.rope %{{.*}}, %{{.*}}, %{{.*}} pair_distance = 32
  %r = xf.rope %h, %t, %ids pair_distance = 32 : tensor<?x1x64xbf16, #xf.sizes<tokens>>, tensor<64x32x2xf32>, tensor<?xi32, #xf.sizes<tokens>>
  // CHECK: xf.cache_append
  %k1 = xf.cache_append %k0, %r, %slots : tensor<?x1x16x64xbf16, #xf.sizes<pages>>, tensor<?x1x64xbf16, #xf.sizes<tokens>>, tensor<?xi32, #xf.sizes<tokens>>
  // CHECK: xf.attention {{.*}} scale = 1.250000e-01 window = 128
  %o = xf.attention %r, %k1, %k1, %blocks, %cu, %lens scale = 0.125 window = 128
      : tensor<?x1x64xbf16, #xf.sizes<tokens>>, tensor<?x1x16x64xbf16, #xf.sizes<pages>>,
        tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  // CHECK: xf.attention_partial {{.*}} scale = 1.250000e-01 window = 128 splits = 4 block = 64 : {{.*}} -> tensor<?x4x1x64xf32, #xf.sizes<tokens>>, tensor<?x4x1xf32, #xf.sizes<tokens>>
  %p, %lse = xf.attention_partial %r, %k1, %k1, %blocks, %cu, %lens scale = 0.125 window = 128 splits = 4 block = 64
      : tensor<?x1x64xbf16, #xf.sizes<tokens>>, tensor<?x1x16x64xbf16, #xf.sizes<pages>>,
        tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
        -> tensor<?x4x1x64xf32, #xf.sizes<tokens>>, tensor<?x4x1xf32, #xf.sizes<tokens>>
  // CHECK: xf.attention_combine %{{.*}}, %{{.*}} : tensor<?x4x1x64xf32, #xf.sizes<tokens>>, tensor<?x4x1xf32, #xf.sizes<tokens>> -> tensor<?x1x64xbf16, #xf.sizes<tokens>>
  %c = xf.attention_combine %p, %lse : tensor<?x4x1x64xf32, #xf.sizes<tokens>>, tensor<?x4x1xf32, #xf.sizes<tokens>> -> tensor<?x1x64xbf16, #xf.sizes<tokens>>
  // CHECK: xf.gather_rows
  %g = xf.gather_rows %x, %rows : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<?xi32, #xf.sizes<rows>> -> tensor<?x128xbf16, #xf.sizes<rows>>
  return
}

// CHECK-LABEL: func @sampling
func.func @sampling(%logits: tensor<?x100xf32, #xf.sizes<rows>>, %f: tensor<?xf32, #xf.sizes<rows>>,
                    %i: tensor<?xi32, #xf.sizes<rows>>, %s: tensor<?xi64, #xf.sizes<rows>>) {
  // CHECK: xf.argmax
  %a = xf.argmax %logits : tensor<?x100xf32, #xf.sizes<rows>> -> tensor<?xi32, #xf.sizes<rows>>
  // CHECK: xf.sample
  %b = xf.sample %logits, %f, %i, %f, %s, %i
      : (tensor<?x100xf32, #xf.sizes<rows>>, tensor<?xf32, #xf.sizes<rows>>, tensor<?xi32, #xf.sizes<rows>>,
         tensor<?xf32, #xf.sizes<rows>>, tensor<?xi64, #xf.sizes<rows>>, tensor<?xi32, #xf.sizes<rows>>)
      -> tensor<?xi32, #xf.sizes<rows>>
  return
}
