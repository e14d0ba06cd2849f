/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The value of one alias, in JSON or in the older form, together with a device_spec that sets some
 * tags. */

#include "base/common.h"
#include "spec/spec.h"
#include "config/config.h"
#include "config/private.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VFA_AUTO(vfa_freep) char *text = fuzz_text(data, size);
    struct vfa_config *config = calloc(1, sizeof(*config));
    const struct vfa_where where = {"fuzz", 1};

    if (!config || vfa_config_add_specs(config, "{\"rack\": \"7\"}", &where, NULL) < 0)
        abort();
    if (vfa_config_add_alias(config, text, &where, NULL) == 0) {
        FUZZ_REQUIRE(config->n_aliases == 1 && config->aliases[0].n_choices > 0);
        (void)vfa_config_add_alias(config, text, &where, NULL);
        fuzz_match(config);
    }
    vfa_config_free(config);
    return 0;
}
