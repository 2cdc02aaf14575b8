//===- InterpretPass.h - The interpreter as a pass ------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_INTERPRETPASS_H
#define TILEWRIGHT_IR_REFERENCE_INTERPRETPASS_H

namespace tilewright::reference {

/// Registers `-xf-interpret`.
void registerInterpretPass();

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_INTERPRETPASS_H
