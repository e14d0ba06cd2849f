/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is tentative: devices for the placeholders in definitions. Not claims: a device may be
 * tentative for several domains, and keeps nobody from it.
 */
#ifndef VFA_STATE_TENTATIVE_H
#define VFA_STATE_TENTATIVE_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

struct vfa_tentative {
    char *uuid;
    char *request;
    char *domain; /* its name */
    char *device;
    char *parent;    /* the PF's, or NULL */
    int iommu_group; /* -1: none */
};
struct vfa_tentatives {
    struct vfa_tentative *items;
    size_t n;
};
void vfa_tentatives_clear(struct vfa_tentatives *list);
/* That of a request among those of one domain, or NULL. Borrowed. */
const struct vfa_tentative *vfa_tentatives_find(const struct vfa_tentatives *list,
                                                const char *request);

/* Those of a domain, or (uuid NULL) all, by device. Clear *ret with vfa_tentatives_clear(). */
int vfa_state_tentative(struct vfa_state *state, const char *uuid, struct vfa_tentatives *ret,
                        struct vfa_error *err);
/* Instead of the one that the request has. */
int vfa_state_set_tentative(struct vfa_state *state, const struct vfa_tentative *row,
                            struct vfa_error *err);
/* Of one request, or (request NULL) all of a domain. None there is fine. */
int vfa_state_drop_tentative(struct vfa_state *state, const char *uuid, const char *request,
                             struct vfa_error *err);

/* A start of the domain was refused for a placeholder: whoever looks at its definition ends that.
 * *ret: it was so. */
int vfa_state_set_start_refused(struct vfa_state *state, const char *uuid, struct vfa_error *err);
int vfa_state_end_start_refused(struct vfa_state *state, const char *uuid, bool *ret,
                                struct vfa_error *err);

/* Each domain of which a claim of another, or a quarantine, has overtaken something tentative, or
 * that is unmet, once.
 * Worth asking when VFA_COUNTER_STALE_DEFINITIONS has grown. */
int vfa_state_each_stale_definition(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                                    struct vfa_error *err);
/* Each domain that something of the above is kept for, once. */
int vfa_state_each_defined(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                           struct vfa_error *err);

#endif
