/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks the chains: aliases with any_of, which name other aliases to try one after the other.
 *
 * Invariant: after this check, each name in an any_of is that of an alias without any_of.
 */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config.h"
#include "private.h"
#include "report.h"

#include <string.h>

static int check_member_of(struct vfa_config *config, const struct vfa_alias *chain, size_t i,
                           struct vfa_error *err)
{
    const struct vfa_where *where = &chain->choices[0].where;
    const struct vfa_alias *member = vfa_config_alias(config, chain->any_of[i]);

    if (!member)
        return vfa_config_fail(where, err, "cannot use any_of: there is no alias '%.40s'",
                               chain->any_of[i]);
    if (member->any_of)
        return vfa_config_fail(
            where, err, "cannot use any_of: alias '%.40s' has any_of itself (%s:%u)", member->name,
            member->choices[0].where.file, member->choices[0].where.line);
    if (member->bridge && i + 1 < chain->n_any_of)
        return vfa_config_warn(
            config, where, err,
            "alias '%s': nothing behind '%s' in any_of is ever tried, as a bridge is always free",
            chain->name, member->name);
    return 0;
}

int vfa_config_check_chains(struct vfa_config *config, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < config->n_aliases; i++) {
        const struct vfa_alias *alias = &config->aliases[i];

        for (size_t j = 0; r == 0 && j < alias->n_any_of; j++)
            r = check_member_of(config, alias, j, err);
    }
    return r;
}
