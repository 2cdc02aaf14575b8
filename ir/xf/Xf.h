//===- Xf.h - Everything of the transformer dialect -----------------------===//

#ifndef TILEWRIGHT_IR_XF_XF_H
#define TILEWRIGHT_IR_XF_XF_H

#include "ir/xf/XfAttrs.h"
#include "ir/xf/XfDialect.h"
#include "ir/xf/XfInterfaces.h"
#include "ir/xf/XfOps.h"

#endif // TILEWRIGHT_IR_XF_XF_H
