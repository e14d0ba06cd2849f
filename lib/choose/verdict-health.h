/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the checks of a device (health.h) mean for choosing: sysfs knows no verdicts. Pure.
 */
#ifndef VFA_CHOOSE_VERDICT_HEALTH_H
#define VFA_CHOOSE_VERDICT_HEALTH_H

#include "base/common.h"
#include "device/health.h"
#include "device/inventory.h"
#include "spec/spec.h"
#include "verdict.h"

/* The verdict for a fault. */
enum vfa_verdict vfa_verdict_of_health(enum vfa_health_fault fault);

/* For struct vfa_index_checks: data is an array of struct vfa_checked, one for each device of the
 * inventory. */
int vfa_verdict_healthy(const void *data, size_t number, const struct vfa_device *dev,
                        const struct vfa_spec *spec, const struct vfa_alias *alias);

#endif
