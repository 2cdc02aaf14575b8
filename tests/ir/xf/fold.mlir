// RUN: tilewright-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func @cast_to_same_type
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    return %[[X]]
func.func @cast_to_same_type(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = xf.cast %x : tensor<4xf32> to tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func @cast_wide_and_back
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    return %[[X]]
func.func @cast_wide_and_back(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  %y = xf.cast %x : tensor<4xbf16> to tensor<4xf32>
  %z = xf.cast %y : tensor<4xf32> to tensor<4xbf16>
  return %z : tensor<4xbf16>
}

// The rounding in between must stay.
// CHECK-LABEL: func @cast_narrow_and_back
// CHECK-COUNT-2: xf.cast
func.func @cast_narrow_and_back(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = xf.cast %x : tensor<4xf32> to tensor<4xbf16>
  %z = xf.cast %y : tensor<4xbf16> to tensor<4xf32>
  return %z : tensor<4xf32>
}

// Neither 16-bit type holds the other.
// CHECK-LABEL: func @cast_other_and_back
// CHECK-COUNT-2: xf.cast
func.func @cast_other_and_back(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  %y = xf.cast %x : tensor<4xbf16> to tensor<4xf16>
  %z = xf.cast %y : tensor<4xf16> to tensor<4xbf16>
  return %z : tensor<4xbf16>
}

// CHECK-LABEL: func @reshape_chain
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    %[[Y:.*]] = xf.reshape %[[X]] : tensor<4x6xf32> to tensor<24xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @reshape_chain(%x: tensor<4x6xf32>) -> tensor<24xf32> {
  %y = xf.reshape %x : tensor<4x6xf32> to tensor<2x12xf32>
  %z = xf.reshape %y : tensor<2x12xf32> to tensor<24xf32>
  return %z : tensor<24xf32>
}

// CHECK-LABEL: func @reshape_and_back
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    return %[[X]]
func.func @reshape_and_back(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %y = xf.reshape %x : tensor<4x6xf32> to tensor<2x12xf32>
  %z = xf.reshape %y : tensor<2x12xf32> to tensor<4x6xf32>
  return %z : tensor<4x6xf32>
}

// CHECK-LABEL: func @split_of_concat
// CHECK-SAME:    %[[X:[^:]*]]: tensor<4x2xf32>, %[[Y:[^:]*]]:
// CHECK-NEXT:    return %[[X]], %[[Y]]
func.func @split_of_concat(%x: tensor<4x2xf32>, %y: tensor<4x3xf32>) -> (tensor<4x2xf32>, tensor<4x3xf32>) {
  %c = xf.concat %x, %y dim 1 : tensor<4x2xf32>, tensor<4x3xf32> -> tensor<4x5xf32>
  %a, %b = xf.split %c dim 1 : tensor<4x5xf32> -> tensor<4x2xf32>, tensor<4x3xf32>
  return %a, %b : tensor<4x2xf32>, tensor<4x3xf32>
}

// CHECK-LABEL: func @split_elsewhere
// CHECK:         xf.split
func.func @split_elsewhere(%x: tensor<4x2xf32>, %y: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %c = xf.concat %x, %y dim 1 : tensor<4x2xf32>, tensor<4x3xf32> -> tensor<4x5xf32>
  %a, %b = xf.split %c dim 1 : tensor<4x5xf32> -> tensor<4x3xf32>, tensor<4x2xf32>
  return %a : tensor<4x3xf32>
}

// CHECK-LABEL: func @concat_of_split
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    return %[[X]]
func.func @concat_of_split(%x: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %a, %b = xf.split %x dim 1 : tensor<4x5xf32> -> tensor<4x3xf32>, tensor<4x2xf32>
  %c = xf.concat %a, %b dim 1 : tensor<4x3xf32>, tensor<4x2xf32> -> tensor<4x5xf32>
  return %c : tensor<4x5xf32>
}

// CHECK-LABEL: func @concat_swapped
// CHECK:         xf.concat
func.func @concat_swapped(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %a, %b = xf.split %x dim 1 : tensor<4x4xf32> -> tensor<4x2xf32>, tensor<4x2xf32>
  %c = xf.concat %b, %a dim 1 : tensor<4x2xf32>, tensor<4x2xf32> -> tensor<4x4xf32>
  return %c : tensor<4x4xf32>
}

// CHECK-LABEL: func @scale_by_one
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    return %[[X]]
func.func @scale_by_one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = xf.scale %x by 1.0 : tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func @regroup_and_back
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    return %[[X]]
func.func @regroup_and_back(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %y = xf.regroup_rows %x period = 8 extent = 8 from = 4 to = 1 : tensor<8x2xf32>
  %z = xf.regroup_rows %y period = 8 extent = 8 from = 1 to = 4 : tensor<8x2xf32>
  %same = xf.regroup_rows %z period = 4 extent = 4 from = 2 to = 2 : tensor<8x2xf32>
  return %same : tensor<8x2xf32>
}

// CHECK-LABEL: func @regroup_other_extent
// CHECK-COUNT-2: xf.regroup_rows
func.func @regroup_other_extent(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %y = xf.regroup_rows %x period = 8 extent = 8 from = 4 to = 1 : tensor<8x2xf32>
  %z = xf.regroup_rows %y period = 8 extent = 4 from = 1 to = 2 : tensor<8x2xf32>
  return %z : tensor<8x2xf32>
}

// CHECK-LABEL: func @regroup_by_way_of
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    %[[Y:.*]] = xf.regroup_rows %[[X]] period = 8 extent = 8 from = 4 to = 2
// CHECK-NEXT:    return %[[Y]]
func.func @regroup_by_way_of(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %y = xf.regroup_rows %x period = 8 extent = 8 from = 4 to = 1 : tensor<8x2xf32>
  %z = xf.regroup_rows %y period = 8 extent = 8 from = 1 to = 2 : tensor<8x2xf32>
  return %z : tensor<8x2xf32>
}

// CHECK-LABEL: func @regroup_columns_and_back
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    return %[[X]]
func.func @regroup_columns_and_back(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %y = xf.regroup_columns %x period = 8 extent = 8 from = 4 to = 1 : tensor<2x8xf32>
  %z = xf.regroup_columns %y period = 8 extent = 8 from = 1 to = 4 : tensor<2x8xf32>
  %same = xf.regroup_columns %z period = 4 extent = 4 from = 2 to = 2 : tensor<2x8xf32>
  return %same : tensor<2x8xf32>
}

// CHECK-LABEL: func @regroup_columns_by_way_of
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK-NEXT:    %[[Y:.*]] = xf.regroup_columns %[[X]] period = 8 extent = 8 from = 4 to = 2
// CHECK-NEXT:    return %[[Y]]
func.func @regroup_columns_by_way_of(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %y = xf.regroup_columns %x period = 8 extent = 8 from = 4 to = 1 : tensor<2x8xf32>
  %z = xf.regroup_columns %y period = 8 extent = 8 from = 1 to = 2 : tensor<2x8xf32>
  return %z : tensor<2x8xf32>
}

// CHECK-LABEL: func @regroup_columns_other_period
// CHECK-COUNT-2: xf.regroup_columns
func.func @regroup_columns_other_period(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %y = xf.regroup_columns %x period = 8 extent = 4 from = 2 to = 1 : tensor<2x8xf32>
  %z = xf.regroup_columns %y period = 4 extent = 4 from = 1 to = 2 : tensor<2x8xf32>
  return %z : tensor<2x8xf32>
}
