/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tentative devices: the devices of placeholders in the definitions of domains. They are no claims:
 * a device may be tentative for several domains, and any domain may claim it. Results and errors:
 * see state.h.
 */
#ifndef VFA_STATE_TENTATIVE_H
#define VFA_STATE_TENTATIVE_H

#include "base/common.h"
#include "base/error.h"
#include "device/keys.h"
#include "state.h"

struct vfa_tentative {
    char *uuid;
    char *request;
    char *domain; /* name of the domain */
    char *device; /* its identity */
    const struct vfa_keys
        *keys; /* for vfa_state_set_tentative(), borrowed. Not read from the file */
};
struct vfa_tentatives {
    struct vfa_tentative *items;
    size_t n;
};
/* Frees the list with its texts; the list is empty then. */
void vfa_tentatives_clear(struct vfa_tentatives *list);
/* Returns the row of a request in a list of the rows of one domain, or NULL. Borrowed. */
const struct vfa_tentative *vfa_tentatives_find(const struct vfa_tentatives *list,
                                                const char *request);

/* Reads the rows of one domain by request, or (uuid NULL) all rows by device. Clear *ret with
 * vfa_tentatives_clear(). */
int vfa_state_tentative(struct vfa_state *state, const char *uuid, struct vfa_tentatives *ret,
                        struct vfa_error *err);
/* Sets the tentative device of a request; replaces the row of the request. `row` stays with the
 * caller. */
int vfa_state_set_tentative(struct vfa_state *state, const struct vfa_tentative *row,
                            struct vfa_error *err);
/* Deletes the row of one request, or (request NULL) all rows of a domain. Returns 0 as well if
 * there is none. */
int vfa_state_drop_tentative(struct vfa_state *state, const char *uuid, const char *request,
                             struct vfa_error *err);

/* Records that a start of the domain was refused because of a placeholder: vfaliasd must repair the
 * definition. */
int vfa_state_set_start_refused(struct vfa_state *state, const char *uuid, struct vfa_error *err);
/* Deletes that record, for a caller that repairs the definition. True in *ret if there was one. */
int vfa_state_end_start_refused(struct vfa_state *state, const char *uuid, bool *ret,
                                struct vfa_error *err);

/* Calls visit() once for each domain with a stale definition: a claim of another domain conflicts
 * with a tentative device of it (device/keys.h), a tentative device of it is in quarantine, or a
 * start of it was refused. A definition becomes stale only when
 * VFA_COUNTER_STALE_DEFINITIONS (meta.h) grows. */
int vfa_state_each_stale_definition(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                                    struct vfa_error *err);
/* Calls visit() once for each domain with a tentative device or a refused start. */
int vfa_state_each_defined(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                           struct vfa_error *err);

#endif
