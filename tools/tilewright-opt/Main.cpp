//===- Main.cpp - mlir-opt with the dialects and passes of Tilewright -----===//

#include "ir/reference/InterpretPass.h"
#include "ir/reference/check/Check.h"
#include "ir/tile/Tile.h"
#include "ir/xf/Xf.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllPasses();
  tilewright::registerTilewrightPasses();
  tilewright::registerPipelines();
  tilewright::reference::registerInterpretPass();
  registry.insert<tilewright::check::CheckDialect>();
  registry.insert<tilewright::tile::TileDialect, tilewright::xf::XfDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "Tilewright's dialects and passes\n", registry));
}
