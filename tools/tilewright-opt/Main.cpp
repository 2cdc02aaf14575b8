//===- Main.cpp - mlir-opt with the dialects and passes of Tilewright -----===//

#include "ir/xf/Xf.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllPasses();
  registry.insert<tilewright::xf::XfDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "Tilewright's dialects and passes\n", registry));
}
