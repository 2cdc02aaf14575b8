//===- DotTest.cpp - The order of a sum's terms ---------------------------===//

#include "ir/reference/Dot.h"
#include "gtest/gtest.h"

#include <random>
#include <vector>

using namespace tilewright::reference;

/// The order that Dot.h promises, one term at a time.
static float dotByTheBook(const float *a, const float *b, int64_t size) {
  float lane[8] = {};
  for (int64_t k = 0; k < size; ++k)
    lane[k % 8] += a[k] * b[k];
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
         ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static std::vector<float> makeValues(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(engine);
  return values;
}

TEST(Dot, KeepsItsOrder) {
  for (int64_t size : {0, 1, 7, 8, 9, 64, 577}) {
    std::vector<float> a = makeValues(size, 1), b = makeValues(size, 2);
    EXPECT_EQ(dot(a.data(), b.data(), size),
              dotByTheBook(a.data(), b.data(), size))
        << size;
  }
}

TEST(Dot, BlockingChangesNoBit) {
  constexpr int64_t kSize = 77;
  for (int64_t rows : {1, 3, 4, 9}) {
    for (int64_t columns : {1, 2, 5}) {
      std::vector<float> a = makeValues(rows * kSize, 3);
      std::vector<float> b = makeValues(columns * kSize, 4);
      std::vector<float> out(rows * columns);
      dotBlock(a.data(), rows, b.data(), columns, kSize, out.data(), columns);
      for (int64_t m = 0; m < rows; ++m)
        for (int64_t n = 0; n < columns; ++n)
          EXPECT_EQ(out[m * columns + n],
                    dotByTheBook(&a[m * kSize], &b[n * kSize], kSize))
              << m << ", " << n << " of " << rows << " x " << columns;
    }
  }
}
