# Helpers for targets that need neither LLVM nor MLIR: one call per library, program or test.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# Optimized, but our own asserts stay on: they cost little outside the inner loops of sim/, which use none.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1")
# Programs land in build/bin, libraries in build/lib, wherever their sources are.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_package(Threads REQUIRED)

# Flags of every target of ours. Usage requirement: headers are found from the repository root.
add_library(tilewright_flags INTERFACE)
target_include_directories(tilewright_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
target_compile_options(tilewright_flags INTERFACE -Wall -Wextra -Wno-unused-parameter
  $<$<COMPILE_LANGUAGE:CXX>:-Werror=deprecated-declarations>)
# fp contraction would make the bits of host arithmetic depend on the host's instruction set.
target_compile_options(tilewright_flags INTERFACE -ffp-contract=off)
if(TILEWRIGHT_SANITIZE)
  # Callers of a C interface may pass any integer as an enum; the driver looks at it before it believes it.
  target_compile_options(tilewright_flags INTERFACE
    -fsanitize=${TILEWRIGHT_SANITIZE} -fno-sanitize=enum -fno-omit-frame-pointer)
  target_link_options(tilewright_flags INTERFACE -fsanitize=${TILEWRIGHT_SANITIZE})
  # Programs that were built without a sanitizer load our libraries too: they get its runtime through LD_PRELOAD
  # (scripts/sanitize), which takes a shared one. GCC's is shared anyway; libFuzzer's programs need none of this.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND NOT TILEWRIGHT_SANITIZE MATCHES "fuzzer")
    string(REGEX REPLACE "^address.*" "asan" runtime ${TILEWRIGHT_SANITIZE})
    string(REGEX REPLACE "^thread.*" "tsan" runtime ${runtime})
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libclang_rt.${runtime}-${CMAKE_SYSTEM_PROCESSOR}.so
      OUTPUT_VARIABLE TILEWRIGHT_SANITIZER_RUNTIME OUTPUT_STRIP_TRAILING_WHITESPACE)
    get_filename_component(folder ${TILEWRIGHT_SANITIZER_RUNTIME} DIRECTORY)
    target_link_options(tilewright_flags INTERFACE -shared-libsan -Wl,-rpath,${folder})
  endif()
endif()

# Sources that call the driver through the runtime's declarations of it, which have int for CUresult, since no header of CUDA is
# needed to build it. Here that is no finding of UBSan. An option of the sources comes behind those of tilewright_flags.
function(tilewright_calls_driver)
  if(TILEWRIGHT_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS -fno-sanitize=function)
  endif()
endfunction()

# tilewright_add_library(NAME [SHARED] SOURCES ... [LINK ...])
function(tilewright_add_library name)
  cmake_parse_arguments(ARG "SHARED" "" "SOURCES;LINK" ${ARGN})
  if(ARG_SHARED)
    add_library(${name} SHARED ${ARG_SOURCES})
  else()
    add_library(${name} STATIC ${ARG_SOURCES})
  endif()
  target_link_libraries(${name} PUBLIC tilewright_flags ${ARG_LINK})
endfunction()

# tilewright_add_program(NAME SOURCES ... [LINK ...])
function(tilewright_add_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tilewright_flags ${ARG_LINK})
endfunction()

# tilewright_add_gtest(NAME SOURCES ... [LINK ...]): one GoogleTest program, registered with CTest under its name.
function(tilewright_add_gtest name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tilewright_flags ${ARG_LINK} GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# tilewright_add_lit_suite(NAME): the lit tests below the current folder, registered with CTest; DEPENDS are the programs they call.
function(tilewright_add_lit_suite name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  add_test(NAME ${name}
    COMMAND lit-22 -sv --param tools=${CMAKE_BINARY_DIR}/bin --param llvm=${TILEWRIGHT_LLVM_BIN}
            --param out=${CMAKE_BINARY_DIR}/lit/${name} --param root=${CMAKE_SOURCE_DIR}
            --param python=${TILEWRIGHT_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()

# tilewright_add_pytest(NAME FILE): one Python test file, run with the project's virtual environment.
set(TILEWRIGHT_PYTHON ${CMAKE_SOURCE_DIR}/build/venv/bin/python CACHE FILEPATH "Python of the project's virtual environment")
function(tilewright_add_pytest name file)
  add_test(NAME ${name} COMMAND ${TILEWRIGHT_PYTHON} -m pytest -q ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT
    "TILEWRIGHT_BUILD_DIR=${CMAKE_BINARY_DIR};PYTHONPATH=${CMAKE_SOURCE_DIR}/python")
endfunction()

# tilewright_add_benchmark(NAME SOURCES ... [LINK ...]): a Google Benchmark program; never a test.
function(tilewright_add_benchmark name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  find_package(benchmark REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tilewright_flags ${ARG_LINK} benchmark::benchmark_main)
endfunction()
