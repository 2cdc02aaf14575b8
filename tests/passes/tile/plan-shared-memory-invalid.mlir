// RUN: tilewright-opt %s -tile-plan-shared-memory -split-input-file -verify-diagnostics

// expected-error @+1 {{needs 262144 bytes of shared memory, but a CTA has 232448}}
tile.kernel @too_large() attributes {warps = 4} {
  // expected-note @+1 {{131072 bytes for '!tile.shared<8x128x64xbf16, swizzle = 128>'}}
  %a = tile.alloc : !tile.shared<8x128x64xbf16, swizzle = 128>
  // expected-note @+1 {{131072 bytes for '!tile.shared<8x128x64xbf16, swizzle = 128>'}}
  %b = tile.alloc : !tile.shared<8x128x64xbf16, swizzle = 128>
}
