/*===- header-test.c - The public header is plain C11 ---------------------===*
 *
 * Compiled with -std=c11 -pedantic -Werror, and with nothing else included
 * before it; linked, so that every function is there.
 *===-----------------------------------------------------------------------===*/
#include "runtime/tilewright.h"

#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);          \
      return 1;                                                                \
    }                                                                          \
  } while (0)

static int check_initializers(void) {
  tilewright_device_info device = TILEWRIGHT_DEVICE_INFO_INIT;
  tilewright_bundle_info bundle = TILEWRIGHT_BUNDLE_INFO_INIT;
  tilewright_kernel_info kernel = TILEWRIGHT_KERNEL_INFO_INIT;
  tilewright_model_options model = TILEWRIGHT_MODEL_OPTIONS_INIT;
  tilewright_session_options session = TILEWRIGHT_SESSION_OPTIONS_INIT;
  tilewright_session_info info = TILEWRIGHT_SESSION_INFO_INIT;
  tilewright_step_input input = TILEWRIGHT_STEP_INPUT_INIT;
  tilewright_batch batch = TILEWRIGHT_BATCH_INIT;
  tilewright_prompt prompt = TILEWRIGHT_PROMPT_INIT;
  tilewright_generate_options generate = TILEWRIGHT_GENERATE_OPTIONS_INIT;
  tilewright_generation_info generation = TILEWRIGHT_GENERATION_INFO_INIT;
  CHECK(device.struct_size == sizeof(device));
  CHECK(bundle.struct_size == sizeof(bundle));
  CHECK(kernel.struct_size == sizeof(kernel));
  CHECK(model.struct_size == sizeof(model));
  CHECK(session.struct_size == sizeof(session));
  CHECK(info.struct_size == sizeof(info));
  CHECK(batch.struct_size == sizeof(batch));
  CHECK(batch.input_size == sizeof(input));
  CHECK(input.rows == TILEWRIGHT_ROWS_LAST);
  CHECK(input.sampling.top_p == 1.0f);
  CHECK(prompt.sampling.temperature == 0.0f);
  CHECK(generate.struct_size == sizeof(generate));
  CHECK(generation.struct_size == sizeof(generation));
  return 0;
}

static int check_functions(void) {
  char version[32];
  snprintf(version, sizeof(version), "%d.%d.%d", TILEWRIGHT_VERSION_MAJOR,
           TILEWRIGHT_VERSION_MINOR, TILEWRIGHT_VERSION_PATCH);
  CHECK(strcmp(tilewright_version(), version) == 0);
  CHECK(tilewright_schema_version() >= 1);
  CHECK(strcmp(tilewright_status_name(TILEWRIGHT_OUT_OF_PAGES),
               "OUT_OF_PAGES") == 0);
  CHECK(strcmp(tilewright_last_error(), "") == 0);
  CHECK(tilewright_device_create(NULL, NULL) == TILEWRIGHT_INVALID_ARGUMENT);
  CHECK(strcmp(tilewright_last_error(), "name must not be NULL") == 0);
  tilewright_device_destroy(NULL);
  tilewright_bundle_destroy(NULL);
  tilewright_model_destroy(NULL);
  tilewright_session_destroy(NULL);
  tilewright_sequence_destroy(NULL);
  tilewright_generation_destroy(NULL);
  CHECK(tilewright_sequence_length(NULL) == 0);
  return 0;
}

int main(void) { return check_initializers() || check_functions(); }
