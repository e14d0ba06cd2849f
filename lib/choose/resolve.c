/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See resolve.h. */

#include "resolve.h"

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"

const struct vfa_alias *vfa_resolve_alias(const struct vfa_config *config,
                                          const struct vfa_request *request)
{
    const struct vfa_alias *alias = vfa_config_alias(config, request->alias);

    /* A port labelled "a-1" means the alias "a"; without an alias "a" it means the alias "a-1". */
    if (!alias && request->from_port)
        alias = vfa_config_alias(config, request->name);
    return alias;
}

const struct vfa_alias *vfa_resolve_claimed(const struct vfa_config *config,
                                            const struct vfa_request *request,
                                            const struct vfa_claim *claim)
{
    const struct vfa_alias *alias = vfa_resolve_alias(config, request);

    if (!alias || !alias->any_of || !claim || !claim->alias)
        return alias;
    alias = vfa_config_alias(config, claim->alias);
    return alias && !alias->any_of ? alias : NULL;
}

int vfa_resolve_alias_of(const struct vfa_config *config, const struct vfa_domain *domain,
                         const struct vfa_domdev *dev, const struct vfa_alias **ret,
                         struct vfa_error *err)
{
    const struct vfa_request *asked = vfa_domain_request(domain, dev->request);
    struct vfa_request named = {.name = dev->request, .from_port = true};
    VFA_AUTO(vfa_freep) char *alias = asked ? NULL : vfa_domxml_alias_of_name(dev->request);

    if (!asked && !alias)
        return vfa_fail_oom(err);
    named.alias = alias;
    *ret = vfa_resolve_alias(config, asked ? asked : &named);
    return 0;
}

bool vfa_resolve_hold(const struct vfa_config *config, const struct vfa_request *request)
{
    const struct vfa_alias *alias = vfa_resolve_alias(config, request);

    if (request->hold_given)
        return request->hold;
    return alias && alias->said[VFA_ALIAS_HOLD].file ? alias->hold : config->hold;
}
