# Helpers for targets on LLVM and MLIR 22.1, as Debian packages them.

execute_process(COMMAND llvm-config-22 --prefix OUTPUT_VARIABLE TILEWRIGHT_LLVM_PREFIX
  OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
if(result)
  message(FATAL_ERROR "llvm-config-22 not found: run scripts/setup")
endif()
find_package(MLIR 22.1 REQUIRED CONFIG HINTS ${TILEWRIGHT_LLVM_PREFIX})
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
set(TILEWRIGHT_LLVM_BIN ${LLVM_TOOLS_BINARY_DIR})
# mlir_tablegen reads the directory property, not the targets'.
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
separate_arguments(definitions NATIVE_COMMAND ${LLVM_DEFINITIONS})
add_definitions(${definitions})

# One precompiled header for everything on MLIR; see pch.h for what is in it and why.
add_library(tilewright_mlir_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
target_link_libraries(tilewright_mlir_pch PUBLIC tilewright_flags)
target_precompile_headers(tilewright_mlir_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)

# tilewright_add_dialect(NAME NAMESPACE): tablegen of <Name>Dialect.td, <Name>Types.td, <Name>Attrs.td, <Name>Ops.td in this
# folder, whichever exist, and the target tilewright_<namespace>_gen. Generated headers are included as
# "ir/<namespace>/<Name>Ops.h.inc".
function(tilewright_add_dialect name namespace)
  set(LLVM_TARGET_DEFINITIONS ${name}Ops.td)
  mlir_tablegen(${name}Dialect.h.inc -gen-dialect-decls -dialect=${namespace})
  mlir_tablegen(${name}Dialect.cpp.inc -gen-dialect-defs -dialect=${namespace})
  mlir_tablegen(${name}Enums.h.inc -gen-enum-decls)
  mlir_tablegen(${name}Enums.cpp.inc -gen-enum-defs)
  mlir_tablegen(${name}Attrs.h.inc -gen-attrdef-decls -attrdefs-dialect=${namespace})
  mlir_tablegen(${name}Attrs.cpp.inc -gen-attrdef-defs -attrdefs-dialect=${namespace})
  mlir_tablegen(${name}Types.h.inc -gen-typedef-decls -typedefs-dialect=${namespace})
  mlir_tablegen(${name}Types.cpp.inc -gen-typedef-defs -typedefs-dialect=${namespace})
  mlir_tablegen(${name}Ops.h.inc -gen-op-decls --on-deprecated=error)
  mlir_tablegen(${name}Ops.cpp.inc -gen-op-defs --on-deprecated=error)
  add_public_tablegen_target(tilewright_${namespace}_gen)
endfunction()

# tilewright_add_mlir_library(NAME SOURCES ... [LINK ...] [DEPENDS ...])
function(tilewright_add_mlir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC tilewright_flags ${ARG_LINK} MLIR LLVM)
  target_precompile_headers(${name} REUSE_FROM tilewright_mlir_pch)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# tilewright_add_mlir_program(NAME SOURCES ... [LINK ...])
function(tilewright_add_mlir_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  # CMake compiles programs with -fPIE, which the libraries' precompiled header, made with -fPIC, refuses.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  target_link_libraries(${name} PRIVATE tilewright_flags ${ARG_LINK} MLIR LLVM)
  target_precompile_headers(${name} REUSE_FROM tilewright_mlir_pch)
endfunction()
