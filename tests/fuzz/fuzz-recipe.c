/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A recipe of the state file. What can be read is written and read again: it is the same recipe. */

#include "base/common.h"
#include "provision/recipe.h"
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VFA_AUTO(vfa_freep) char *text = fuzz_text(data, size);
    VFA_AUTO(vfa_freep) char *written = NULL;
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recipe = {.link = NULL};
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe again = {.link = NULL};

    if (vfa_recipe_parse(text, "fuzz", &recipe, NULL) < 0)
        return 0;
    FUZZ_REQUIRE(vfa_recipe_format(&recipe, &written, NULL) == 0);
    FUZZ_REQUIRE(vfa_recipe_parse(written, "fuzz", &again, NULL) == 0);
    FUZZ_REQUIRE(vfa_recipe_same(&recipe, &again) && recipe.made == again.made);
    FUZZ_REQUIRE(strcmp(recipe.node, again.node) == 0);
    return 0;
}
