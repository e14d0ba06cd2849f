/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps the faults of device/health.h to verdicts: the device room knows no verdicts. Pure. */
#ifndef VFA_CHOOSE_VERDICT_HEALTH_H
#define VFA_CHOOSE_VERDICT_HEALTH_H

#include "base/common.h"
#include "device/device.h"
#include "device/health.h"
#include "spec/spec.h"
#include "verdict.h"

/* The verdict for a fault. */
enum vfa_verdict vfa_verdict_of_health(enum vfa_health_fault fault);

/* For struct vfa_index_checks. data: an array of struct vfa_checked, one element for each device of
 * the inventory. -1: the device was not checked. */
int vfa_verdict_healthy(const void *data, size_t number, const struct vfa_device *dev,
                        const struct vfa_spec *spec, const struct vfa_alias *alias);

#endif
