//===- TensorTest.cpp - Values that share until they are written ----------===//

#include "ir/reference/Tensor.h"
#include "gtest/gtest.h"

using namespace tilewright::reference;

TEST(Tensor, CopiesAreIndependent) {
  Tensor first(ElementType::F32, {2, 2});
  first.setFloat(3, 1.5f);
  Tensor second = first;
  second.setFloat(3, 2.5f);
  EXPECT_EQ(first.getFloat(3), 1.5f);
  EXPECT_EQ(second.getFloat(3), 2.5f);
  Tensor third = first.reshape({4});
  third.setFloat(0, 7.0f);
  EXPECT_EQ(first.getFloat(0), 0.0f);
}

TEST(Tensor, IntegersKeepAllBits) {
  Tensor tensor(ElementType::I64, {2});
  tensor.setInt(0, INT64_MIN);
  tensor.setInt(1, INT64_MAX);
  EXPECT_EQ(tensor.getInt(0), INT64_MIN);
  EXPECT_EQ(tensor.getInt(1), INT64_MAX);
}

TEST(Tensor, CoordinatesAreRowMajor) {
  EXPECT_EQ(getCoordinates({2, 3, 4}, 23),
            (llvm::SmallVector<int64_t>{1, 2, 3}));
  EXPECT_EQ(getCoordinates({2, 3, 4}, 5),
            (llvm::SmallVector<int64_t>{0, 1, 1}));
}

TEST(Tensor, EmptyTensorsHaveNoElements) {
  Tensor tensor(ElementType::BF16, {0, 8});
  EXPECT_EQ(tensor.getNumElements(), 0);
  EXPECT_EQ(tensor.getNumRows(), 0);
  EXPECT_TRUE(tensor.getFloats().empty());
}
