/*===- generate.c - A prompt continued, in C ------------------------------===*
 *
 * Continues one prompt and prints each token as it comes:
 *
 *   example-generate model.twb MODEL_DIR sim:h800-sxm 20 1 2 3
 *
 * for 20 tokens after the prompt 1 2 3.
 *===-----------------------------------------------------------------------===*/
#include "runtime/tilewright.h"

#include <stdio.h>
#include <stdlib.h>

static int failed(const char *what) {
  fprintf(stderr, "%s: %s\n", what, tilewright_last_error());
  return 1;
}

static int print_token(void *user, size_t index, int32_t token) {
  (void)user;
  (void)index;
  printf("%d\n", token);
  return fflush(stdout) == 0 ? 0 : 1; /* nobody reads any more: stop */
}

static int generate(tilewright_session *session, const int32_t *tokens,
                    size_t num_tokens, size_t max_new_tokens) {
  tilewright_prompt prompt = TILEWRIGHT_PROMPT_INIT;
  tilewright_generate_options options = TILEWRIGHT_GENERATE_OPTIONS_INIT;
  tilewright_generation *generation = NULL;

  prompt.tokens = tokens;
  prompt.num_tokens = num_tokens;
  prompt.max_new_tokens = max_new_tokens;
  options.on_token = print_token;
  if (tilewright_generate(session, &prompt, 1, &options, &generation))
    return failed("generate");
  tilewright_generation_destroy(generation);
  return 0;
}

int main(int argc, char **argv) {
  tilewright_device *device = NULL;
  tilewright_bundle *bundle = NULL;
  tilewright_model *model = NULL;
  tilewright_session *session = NULL;
  int result = 1;

  if (argc < 6) {
    fprintf(stderr, "usage: %s BUNDLE WEIGHTS DEVICE COUNT TOKEN...\n",
            argv[0]);
    return 2;
  }
  size_t num_tokens = (size_t)argc - 5;
  int32_t *tokens = malloc(num_tokens * sizeof(*tokens));
  if (!tokens)
    return 1;
  for (size_t i = 0; i < num_tokens; ++i)
    tokens[i] = (int32_t)strtol(argv[5 + i], NULL, 10);

  if (tilewright_device_create(argv[3], &device))
    failed("device");
  else if (tilewright_bundle_open(argv[1], &bundle))
    failed("bundle");
  else if (tilewright_model_load(device, bundle, argv[2], NULL, &model))
    failed("model");
  else if (tilewright_session_create(model, NULL, &session))
    failed("session");
  else
    result = generate(session, tokens, num_tokens,
                      (size_t)strtoul(argv[4], NULL, 10));

  tilewright_session_destroy(session);
  tilewright_model_destroy(model);
  tilewright_bundle_destroy(bundle);
  tilewright_device_destroy(device);
  free(tokens);
  return result;
}
