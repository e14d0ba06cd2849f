/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See verdict-health.h. */

#include "verdict-health.h"

#include "device/device.h"
#include "device/health.h"
#include "spec/spec.h"
#include "choose.h"
#include "verdict.h"

enum vfa_verdict vfa_verdict_of_health(enum vfa_health_fault fault)
{
    static const enum vfa_verdict verdicts[VFA_HEALTH_N] = {
        [VFA_HEALTH_NONE] = VFA_VERDICT_CANDIDATE, [VFA_HEALTH_NETDEV] = VFA_VERDICT_NETDEV,
        [VFA_HEALTH_VF] = VFA_VERDICT_VF,          [VFA_HEALTH_CHILDREN] = VFA_VERDICT_HAS_CHILDREN,
        [VFA_HEALTH_DISK] = VFA_VERDICT_DISK,      [VFA_HEALTH_PF_DOWN] = VFA_VERDICT_PF_DOWN,
        [VFA_HEALTH_FULL] = VFA_VERDICT_FULL,      [VFA_HEALTH_GROUP] = VFA_VERDICT_GROUP,
        [VFA_HEALTH_HELD] = VFA_VERDICT_HELD,
    };

    return verdicts[fault];
}

int vfa_verdict_healthy(const void *data, size_t number, const struct vfa_device *dev,
                        const struct vfa_spec *spec, const struct vfa_alias *alias)
{
    const struct vfa_checked *checked = (const struct vfa_checked *)data + number;
    const struct vfa_criteria criteria = {.alias = alias,
                                          .kind = alias ? alias->attach : VFA_ATTACH_HOSTDEV};
    const struct vfa_facts facts = {.dev = dev,
                                    .spec = spec,
                                    .use = checked->use,
                                    .pf = checked->pf,
                                    .group = checked->group,
                                    .held = checked->held,
                                    .vfio = checked->vfio};

    return checked->known ? vfa_choose_health(&criteria, &facts) == VFA_VERDICT_CANDIDATE : -1;
}
