/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Claims for a domain: what it asks for, what the state has free and what sysfs says now, brought
 * together in one transaction. All or nothing.
 *
 * Each device that the index offers is looked at live before it is claimed. When the index proves
 * stale (a device gone or changed, or nothing free), all is rolled back, the hardware is scanned
 * with no transaction open, and all is done once more. Used by the hooks (prepare), the daemon
 * (hot-plug) and the command line.
 */
#ifndef VFA_ALLOCATE_H
#define VFA_ALLOCATE_H

#include "config.h"
#include "domxml.h"
#include "host.h"
#include "netport.h"
#include "state.h"
#include "unreleased.h"

enum {
    VFA_ALLOCATE_NONE = VFA_REFUSED, /* refused; err has the line for the user */
    VFA_ALLOCATE_AGAIN = 2,   /* not now, and nothing changed: to be tried again soon; likewise */
    VFA_ALLOCATE_RESCAN = 16, /* inside a transaction only: see vfa_allocate_transact() */
};

/* Does `work` in a transaction that it commits if `work` returns 0, unless it is only tried (commit
 * false), and else rolls back; returns what `work` does. Work that gets VFA_ALLOCATE_RESCAN from a
 * function of this file returns that: nothing is free, or the index is of another configuration.
 * Then the hardware is scanned with no transaction open, and `work` is done once more: it makes
 * `data` what it was. Inside an open transaction just does the work. */
typedef int vfa_allocate_work_fn(struct vfa_host *host, void *data, struct vfa_error *err);
int vfa_allocate_transact(struct vfa_host *host, bool commit, vfa_allocate_work_fn *work,
                          void *data, struct vfa_error *err);

/* The alias a request means, or NULL: not configured here. Borrowed. */
const struct vfa_alias *vfa_allocate_alias(const struct vfa_config *config,
                                           const struct vfa_request *request);

/* Whether a guest is to wait for the request's device at power-on: as the request says, else its
 * alias, else the configuration. */
bool vfa_allocate_holds(const struct vfa_config *config, const struct vfa_request *request);

/* The same for a device of the XML that carries ua-vf-NAME: that of the request of this name, or
 * else the one that the name says. NULL in *ret: not configured here. */
int vfa_allocate_alias_of(const struct vfa_config *config, const struct vfa_domain *domain,
                          const struct vfa_domdev *dev, const struct vfa_alias **ret,
                          struct vfa_error *err);

/* Checks the requests of a domain against the configuration: aliases that exist, ports enough.
 * VFA_ALLOCATE_NONE with the reason if a start is in vain. Needs no state. */
int vfa_allocate_check(const struct vfa_config *config, const struct vfa_domain *domain,
                       struct vfa_error *err);

/* Checks next that vfaliasd is there, if it is to attach something to the domain. An error with the
 * reason if not. */
int vfa_allocate_check_daemon(const struct vfa_config *config, const struct vfa_domain *domain,
                              struct vfa_error *err);

/* At prepare: forgets what the domain (which is not running) still had, then claims for every
 * request and records every static host device. 0, VFA_ALLOCATE_NONE or an error; unless 0 nothing
 * changed. A request whose device is in the XML already gets just that one; a device of the XML
 * that carries ua-vf-NAME and names none that can be had refuses the start, and if vfaliasd is
 * there, it is told to look at the definition (vfa_state_set_unmet()). An optional request that
 * finds nothing counts as withdrawn, unless it is a late one. Notes whether the guest is to wait
 * for what is attached later (vfa_state_want_hold()). */
int vfa_allocate_domain(struct vfa_host *host, const struct vfa_domain *domain,
                        struct vfa_error *err);

/* One more request of a running domain. *ret (may be NULL) gets the claim; vfa_claim_clear() it.
 * VFA_ALLOCATE_AGAIN: which devices are taken is not known yet. Joins a transaction, which
 * VFA_ALLOCATE_RESCAN ends. */
int vfa_allocate_request(struct vfa_host *host, const struct vfa_domain *domain,
                         const struct vfa_request *request, struct vfa_claim *ret,
                         struct vfa_error *err);

/* The same for one that waits for whatever gets free: never scans the hardware for it. */
int vfa_allocate_late(struct vfa_host *host, const struct vfa_domain *domain,
                      const struct vfa_request *request, struct vfa_claim *ret,
                      struct vfa_error *err);

/* A device that was chosen for a domain that is about to be here. */
struct vfa_arrival {
    char *request;            /* its name */
    struct vfa_device device; /* as sysfs has it */
    bool moved;               /* it is not the one that the XML names */
};
struct vfa_arrivals {
    struct vfa_arrival *items;
    size_t n;
};
void vfa_arrivals_clear(struct vfa_arrivals *arrivals);
/* That of a request, or NULL. Borrowed. */
const struct vfa_arrival *vfa_arrivals_find(const struct vfa_arrivals *arrivals,
                                            const char *request);

/* The domain's XML with those that moved as sources of its devices: see vfa_domxml_fill(). */
int vfa_arrivals_fill(const struct vfa_arrivals *arrivals, const char *xml, size_t len, char **ret,
                      struct vfa_error *err);

/* Claims, as incoming, a device for each one of the XML that carries ua-vf-NAME, whatever source it
 * has; what: */
enum {
    VFA_ARRIVE_KEEP = 1 << 0,     /* the one that the XML names, if it is to be had; one that the
                                     alias does not mean is its user's own choice and kept */
    VFA_ARRIVE_REQUESTS = 1 << 1, /* also for each request without a device in the XML; optional
                                     ones may find none. The domain's own host devices are claimed
                                     before, as they are by prepare */
};
/* What was incoming for the domain before is dropped. 0, VFA_ALLOCATE_NONE or an error; unless 0
 * nothing changed. Joins a transaction: one that is rolled back makes it a rehearsal, and
 * VFA_ALLOCATE_RESCAN ends it. *ret is to be
 * cleared with vfa_arrivals_clear(). */
int vfa_allocate_arrive(struct vfa_host *host, const struct vfa_domain *domain, unsigned what,
                        struct vfa_arrivals *ret, struct vfa_error *err);

/* The XML to start a domain from: its definition with the devices that arrived for it
 * (VFA_ARRIVE_REQUESTS) in it, each in the port that is labelled for its request, if there is one.
 * `domain` is the same XML, parsed; what becomes of its ports is noted there. free() *ret. */
int vfa_allocate_plug(const struct vfa_config *config, const char *xml, size_t len,
                      struct vfa_domain *domain, const struct vfa_arrivals *arrivals, char **ret,
                      struct vfa_error *err);

/* What the placeholders in a domain's definition come to. */
struct vfa_placed {
    struct vfa_arrivals devices; /* those that have to name these from now on; moved is true */
    char *refusal; /* why the first of those that stay as they are does, though it cannot be had;
                      NULL: there is none */
};
void vfa_placed_clear(struct vfa_placed *placed);

/* Chooses tentative devices for a definition's devices that carry ua-vf-NAME and name none that can
 * be had, and notes those of the others. Claims nothing; ends what vfa_state_set_unmet() began.
 * *ret is to be cleared with vfa_placed_clear(). Idempotent. */
int vfa_allocate_tentative(struct vfa_host *host, const struct vfa_domain *domain,
                           struct vfa_placed *ret, struct vfa_error *err);

/* The domain has no definition (any more): nothing is tentative for it. */
int vfa_allocate_undefined(struct vfa_state *state, const char *uuid, struct vfa_error *err);

/* How the answer to a rehearsal (domxml.h) begins, after "domain 'NAME': ". Whatever else a hook
 * says there is a refusal. */
#define VFA_REHEARSED "rehearsed: "

/* It does not come: drops what is incoming for it. *ret_n gets how many claims were. */
int vfa_allocate_cancel(struct vfa_host *host, const char *uuid, size_t *ret_n,
                        struct vfa_error *err);

/* The domain runs and has the devices its live XML names: makes the claims say so (active),
 * whatever they said before, drops a claim of somebody else on one of them, and claims of this
 * domain's devices that are not there are left alone. Never refuses. For hooks: the domain is
 * locked, the XML is true. */
int vfa_allocate_reassert(struct vfa_host *host, const struct vfa_domain *domain,
                          struct vfa_error *err);

/* The same with XML that somebody has read; ended: VFA_COUNTER_ENDED as it was before that. A
 * domain that has stopped or lost a device since, and whose device somebody else may have been
 * given, has had its claim dropped. If one was dropped, and the claims say anything else than the
 * XML, it is VFA_ALLOCATE_AGAIN (err has nothing): the XML is to be read anew. */
int vfa_allocate_reassert_read(struct vfa_host *host, const struct vfa_domain *domain,
                               int64_t ended, struct vfa_error *err);

/* A libvirt network gave a device to a domain's port: records it as the domain's, whatever else the
 * domain held it for. 0, VFA_ALLOCATE_NONE (another domain has it) or an error. */
int vfa_allocate_port(struct vfa_host *host, const struct vfa_netport *port, struct vfa_error *err);

/* The port is gone. *ret_n gets how many claims were. */
int vfa_allocate_port_gone(struct vfa_host *host, const struct vfa_netport *port, size_t *ret_n,
                           struct vfa_error *err);

/* Scans the hardware and rebuilds the index, unless that is of a scan that began later. *ret_n, if
 * not NULL, gets the number of devices. Not inside a transaction: a start need not wait for it.
 * check: also checks the devices, for state-stats.h, which takes longer than the scan. */
int vfa_allocate_rescan(struct vfa_host *host, bool check, size_t *ret_n, struct vfa_error *err);

#endif
