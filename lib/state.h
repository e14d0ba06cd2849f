/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state file: claims, and the index of devices by alias, in SQLite (schema.sql).
 *
 * Invariants, kept by the schema: a device has at most one claim; no claim on a PF while one of its
 * VFs has one, nor the reverse; a request of a domain holds at most one claim; a claim ends through
 * releasing if its device was changed; claims of another boot are gone at the first open. Every
 * public function that writes is one transaction, or joins the one that vfa_state_begin() opened. A
 * process that is killed leaves the file as it was before its transaction.
 *
 * The file is an index of the truth, which is libvirt's live XML and sysfs: damaged, it is set
 * aside and made anew (vfa_state_synced() then says no until the daemon has rebuilt the claims).
 */
#ifndef VFA_STATE_H
#define VFA_STATE_H

#include "config.h"
#include "domxml.h"
#include "inventory.h"

struct vfa_state;
struct vfa_checked; /* choose.h */

enum {
    VFA_STATE_TAKEN = 1,  /* an invariant forbids the claim */
    VFA_STATE_ABSENT = 2, /* no such file, claim or device */
    VFA_STATE_END = 3,    /* no more rows */
};

enum vfa_state_mode {
    VFA_STATE_READ,  /* never creates or changes, but that what a writer who was killed left half
                        done is taken back; VFA_STATE_ABSENT when there is no file */
    VFA_STATE_WRITE, /* creates folder and file (0640) when needed */
};

/* `libvirt_run`: see vfa_config; a new file counts as synced if it lists no running domain. */
int vfa_state_open(const char *path, const char *libvirt_run, enum vfa_state_mode mode,
                   struct vfa_state **ret, struct vfa_error *err);

/* For how long this thread waits for a file that others have locked, 10 s if not said; for what it
 * opens from now on. -EBUSY: it is locked still. */
void vfa_state_set_patience(unsigned ms);

/* For a program whose user has typed the name of the file: from now on one that is damaged is an
 * error and stays where it is, as it may be another one than was meant. To be called before any is
 * opened. */
void vfa_state_leave_damaged(void);

/* A copy in memory, to try things on: what the file says of this boot, as a writer would find it;
 * empty where there is no file (or path is NULL). */
int vfa_state_open_copy(const char *path, const char *libvirt_run, struct vfa_state **ret,
                        struct vfa_error *err);

/* For a process that opens the state often; call it before the first thread starts. From now on
 * vfa_state_close() keeps up to n files open, and vfa_state_open() uses them again unless the state
 * file was replaced. 0: closes them. */
void vfa_state_keep(size_t n);

struct vfa_state *vfa_state_close(struct vfa_state *state);
VFA_DEFINE_AUTO(struct vfa_state, vfa_state_close);

/* A write transaction around several calls. An open one is rolled back by vfa_state_close(). Begin
 * and commit are -ESTALE if the file is the state no more: it was set aside or removed. */
int vfa_state_begin(struct vfa_state *state, struct vfa_error *err);
int vfa_state_commit(struct vfa_state *state, struct vfa_error *err);
void vfa_state_rollback(struct vfa_state *state);

bool vfa_state_is_open(const struct vfa_state *state); /* a transaction is */
bool vfa_state_is_copy(const struct vfa_state *state); /* see vfa_state_open_copy() */

/* The same for functions that may be called inside a transaction or outside: an open one is left to
 * whoever opened it (*ret_own false). leave commits its own if result is 0, else rolls it back;
 * returns result. */
int vfa_state_enter(struct vfa_state *state, bool *ret_own, struct vfa_error *err);
int vfa_state_leave(struct vfa_state *state, bool own, int result, struct vfa_error *err);

/* Inside a transaction: what follows is tried, until undo takes it back. */
int vfa_state_try(struct vfa_state *state, struct vfa_error *err);
int vfa_state_undo(struct vfa_state *state, struct vfa_error *err);

/* ---- claims ---- */
enum vfa_claim_state {
    VFA_CLAIM_INCOMING, /* made at migrate or restore, domain not there yet */
    VFA_CLAIM_CLAIMED,  /* made at prepare */
    VFA_CLAIM_ACTIVE,   /* the domain has the device */
    /* the domain has lost the device, which is not free yet: */
    VFA_CLAIM_RELEASING, /* what was changed of it is being put back */
    VFA_CLAIM_CLEANING,  /* its cleaner runs, or is about to */
};
const char *vfa_claim_state_name(enum vfa_claim_state state);
/* A domain holds the claim: it is in one of the first three states. */
bool vfa_claim_is_held(enum vfa_claim_state state);

/* request: a request's name, or "static:ADDRESS" for a host device that vfalias did not choose, or
 * "port:UUID" for one that a libvirt network gave to a port. */
#define VFA_STATIC_PREFIX "static:"
#define VFA_PORT_PREFIX   "port:"
bool vfa_claim_is_static(const char *request); /* one of these two */

/* Of a claim that no domain had: its device is kept from all. */
#define VFA_NO_UUID "00000000-0000-0000-0000-000000000000"

struct vfa_claim {
    char *device;    /* PCI address as text */
    char *parent;    /* the PF's, or NULL */
    int iommu_group; /* -1: none */
    char *kind;      /* "pci" */
    char *uuid;      /* the domain's */
    char *domain;    /* its name */
    char *request;   /* see above */
    char *alias;     /* NULL for static ones */
    enum vfa_claim_state state;
    int64_t since;       /* seconds since the epoch */
    int64_t state_since; /* the same, of its state */
    char *why;           /* for which reason its domain lost it; NULL while it is held */
    char *cleaner;       /* what has to run before the device is free, or NULL */
    unsigned attempts;   /* failures of attaching, of putting back or of cleaning, by state */
    char *error;         /* what the last one said, or NULL */
    bool placeholder;    /* no request asked for it: the device stands in the domain's XML */
};
void vfa_claim_clear(struct vfa_claim *claim);

struct vfa_claims {
    struct vfa_claim *items; /* by domain, request */
    size_t n;
};
void vfa_claims_clear(struct vfa_claims *claims);

/* The claim of a request among those of one domain, or NULL. Borrowed. */
const struct vfa_claim *vfa_claims_find(const struct vfa_claims *claims, const char *request);

/* 0, or VFA_STATE_TAKEN. since 0 means now. */
int vfa_state_claim(struct vfa_state *state, const struct vfa_claim *claim, struct vfa_error *err);

/* The claims that domains hold, or (uuid not NULL) one domain. Clear *ret with vfa_claims_clear().
 */
int vfa_state_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                     struct vfa_error *err);

/* The same, also those in the states releasing and cleaning: whatever keeps a device from being
 * free. */
int vfa_state_all_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                         struct vfa_error *err);

/* Whether there is a claim, in any state, on the very device. */
int vfa_state_is_claimed(struct vfa_state *state, const char *device, bool *ret,
                         struct vfa_error *err);

/* The claim that keeps a domain from claiming a device: the device's own, its PF's, one of its
 * VFs', or, on a device of its IOMMU group (-1: none), another domain's or one that nobody holds.
 * In this order: the device's own, one that is held before one that is not, another domain's. 0 or
 * VFA_STATE_ABSENT. */
int vfa_state_holder(struct vfa_state *state, const char *device, const char *parent,
                     int iommu_group, const char *uuid, struct vfa_claim *ret,
                     struct vfa_error *err);

int vfa_state_set_claim_state(struct vfa_state *state, const char *uuid, const char *request,
                              enum vfa_claim_state claim_state, struct vfa_error *err);

/* Notes that attaching failed once more, and why; NULL clears both. */
int vfa_state_set_claim_error(struct vfa_state *state, const char *uuid, const char *request,
                              const char *text, struct vfa_error *err);

/* Drops the claims that a domain holds: one request, or (request NULL) all and its withdrawals.
 * *ret_n, if not NULL, gets their number. None there is fine. Those whose devices were changed
 * cannot be dropped: others call release.h, which has them put back first. */
int vfa_state_release(struct vfa_state *state, const char *uuid, const char *request, size_t *ret_n,
                      struct vfa_error *err);

/* ---- the end of a claim (state-release.c): its domain loses the device first, the device becomes
 * free last. Each step names the claim as it was read: VFA_STATE_ABSENT if it is another one by
 * now, or gone. ---- */

/* Sets the state to releasing. `why`: the reason, for a person. */
int vfa_state_begin_release(struct vfa_state *state, const struct vfa_claim *claim, const char *why,
                            struct vfa_error *err);

/* Which program has to run before the device is free; NULL: none. */
int vfa_state_set_cleaner(struct vfa_state *state, const struct vfa_claim *claim,
                          const char *cleaner, struct vfa_error *err);

/* What was changed of the device has been put back: cleaning as of now. */
int vfa_state_begin_cleaning(struct vfa_state *state, const struct vfa_claim *claim,
                             struct vfa_error *err);

/* Notes that the step failed once more, and why; NULL clears both. */
int vfa_state_set_release_error(struct vfa_state *state, const struct vfa_claim *claim,
                                const char *text, struct vfa_error *err);

/* Drops a claim that nobody holds: its device is free, or in quarantine. */
int vfa_state_end_release(struct vfa_state *state, const struct vfa_claim *claim,
                          struct vfa_error *err);

/* The UUID of the domain that had a device for a request last; the nil UUID, and VFA_STATE_ABSENT,
 * if that is not known. */
int vfa_state_last_owner(struct vfa_state *state, const char *device, char ret[VFA_UUID_SIZE],
                         struct vfa_error *err);

/* Those that nobody holds, who waits longest first. Costs nothing where there are none. */
int vfa_state_ending(struct vfa_state *state, struct vfa_claims *ret, struct vfa_error *err);

/* ---- withdrawals: requests of a running domain that are left alone until it asks anew or starts
 * again: its user detached the device by hand, or they are optional and found none ---- */
int vfa_state_withdraw(struct vfa_state *state, const char *uuid, const char *request,
                       struct vfa_error *err); /* also drops the claim */

enum vfa_withdrawal {
    VFA_WITHDRAWAL_NONE,
    VFA_WITHDRAWAL_USER,
    VFA_WITHDRAWAL_BORROWED, /* a program took the device out and is at work: see borrowers */
    VFA_WITHDRAWAL_RETURNED, /* it is not any more: the guest gets its device back */
};
int vfa_state_withdrawal(struct vfa_state *state, const char *uuid, const char *request,
                         enum vfa_withdrawal *ret, struct vfa_error *err);
/* True in *ret if the request is to be left alone now. */
int vfa_state_is_withdrawn(struct vfa_state *state, const char *uuid, const char *request,
                           bool *ret, struct vfa_error *err);
/* Those of the user; and (the domain starts or has ended) borrowed ones as well. */
int vfa_state_forget_withdrawals(struct vfa_state *state, const char *uuid, struct vfa_error *err);
int vfa_state_forget_all_withdrawals(struct vfa_state *state, const char *uuid,
                                     struct vfa_error *err);

/* ---- borrowers: programs that take devices out of a guest and see to it that it gets them back,
 * here or elsewhere. A borrowed request keeps its claim. However its borrower ends, vfaliasd gives
 * the guest its device back then. ---- */

/* Makes this process one, inside a write transaction in which it also borrows its first request.
 * End with vfa_presence_endp(ret_fd). */
int vfa_state_become_borrower(struct vfa_state *state, int64_t *ret_number, int *ret_fd,
                              struct vfa_error *err);
/* In place of a withdrawal that may be there. */
int vfa_state_borrow(struct vfa_state *state, const char *uuid, const char *request, int64_t number,
                     struct vfa_error *err);
int vfa_state_end_borrowing(struct vfa_state *state, const char *uuid, const char *request,
                            struct vfa_error *err);
/* Each domain of which something is borrowed, or was and is not given back yet, once. */
int vfa_state_each_borrowed(struct vfa_state *state, void (*visit)(void *data, const char *uuid),
                            void *data, struct vfa_error *err);

/* ---- holds: domains whose guest waits, suspended, for the devices that it was started with ----
 *
 * `prepare` says that it is to wait; vfaliasd writes down that it holds the guest before it
 * suspends it, and drops the row after it has resumed it. So a row that says held, and a guest that
 * is paused, mean that somebody has to resume it, whoever suspended it and however that one ended.
 */
struct vfa_hold {
    int64_t id; /* tells this start from the next one; 0: there is no such row */
    char uuid[VFA_UUID_SIZE];
    bool held;     /* else it is to be, once it runs */
    int64_t since; /* of that; seconds since the epoch */
};
struct vfa_holds {
    struct vfa_hold *items;
    size_t n;
};
void vfa_holds_clear(struct vfa_holds *holds);

/* The domain's guest is to wait; what was said before is void. */
int vfa_state_want_hold(struct vfa_state *state, const char *uuid, struct vfa_error *err);

/* All, or (uuid not NULL) the one of a domain. */
int vfa_state_holds(struct vfa_state *state, const char *uuid, struct vfa_holds *ret,
                    struct vfa_error *err);

/* It is held as of now: *hold says so then. VFA_STATE_ABSENT if the row is another one by now, or
 * gone. */
int vfa_state_begin_hold(struct vfa_state *state, struct vfa_hold *hold, struct vfa_error *err);

/* Drops the row, if it is the same and says the same. None there is fine. */
int vfa_state_end_hold(struct vfa_state *state, const struct vfa_hold *hold, struct vfa_error *err);

/* Drops what there is of a domain that stopped, or starts. */
int vfa_state_forget_hold(struct vfa_state *state, const char *uuid, struct vfa_error *err);

/* ---- the index ---- */

/* True in *ret if the index was made from this configuration. */
int vfa_state_index_fresh(struct vfa_state *state, const struct vfa_config *config, bool *ret,
                          struct vfa_error *err);

/* Makes what is to replace the index, by what configuration and inventory say. Outside of the file:
 * call it while no transaction is open, so that nobody waits for it. checked: what the checks of
 * each device of the inventory said; NULL: they were not made. */
int vfa_state_index_prepare(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, const struct vfa_checked *checked,
                            struct vfa_error *err);
/* Replaces the index by what was prepared with the same handle, of a scan that began at `scanned`.
 * Claims stay as they are. */
int vfa_state_index_install(struct vfa_state *state, const struct vfa_config *config,
                            int64_t scanned, struct vfa_error *err);
/* Both, without checks. */
int vfa_state_index_replace(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, struct vfa_error *err);

/* When the scan began that the index is of (struct vfa_inventory); 0: there was none in this boot.
 */
int vfa_state_index_scanned(struct vfa_state *state, int64_t *ret, struct vfa_error *err);

/* Devices of an alias that look alike to who chooses. */
struct vfa_pool {
    int64_t id;
    int spec;      /* index of the device_spec that allows them, -1: none is configured */
    int numa_node; /* -1: unknown */
    unsigned free; /* devices that no claim excludes */
    unsigned used; /* the others */
    unsigned kept; /* of the free ones: tentative for some domain */
    bool of_vfs;   /* they are VFs of one PF: */
    struct vfa_pci_addr parent;
};
struct vfa_pools {
    struct vfa_pool *items;
    size_t n;
};
void vfa_pools_clear(struct vfa_pools *pools);

/* The pools of an alias that have free devices, by their lowest address. Clear with
 * vfa_pools_clear(). */
int vfa_state_pools(struct vfa_state *state, const char *alias, struct vfa_pools *ret,
                    struct vfa_error *err);

/* The next free device of a pool in address order, after `after` (NULL: the first), of those that
 * are tentative for somebody, or of those that are not; of neither those that have failed. Costs
 * the same whatever the number of devices and claims. The fields of *ret that the index knows are
 * filled; clear it with vfa_device_clear(). 0 or VFA_STATE_END. */
int vfa_state_next_free(struct vfa_state *state, int64_t pool, bool kept,
                        const struct vfa_pci_addr *after, struct vfa_device *ret,
                        struct vfa_error *err);

/* The same of those that have failed. */
int vfa_state_next_failed(struct vfa_state *state, int64_t pool, const struct vfa_pci_addr *after,
                          struct vfa_device *ret, struct vfa_error *err);

/* A device in an alias' pool. */
struct vfa_member {
    struct vfa_device device; /* as the index has it; vfa_device_clear() */
    int64_t pool;
    int spec;  /* as in struct vfa_pool */
    bool busy; /* some claim excludes it */
    bool kept; /* tentative; vfa_state_last(): for another request */
    bool own;  /* vfa_state_last(): tentative for this one */
};

/* The device that is tentative for a request, or else the one that it had last, if it is free and
 * in an alias' pool. 0 or VFA_STATE_ABSENT. */
int vfa_state_last(struct vfa_state *state, const char *alias, const char *uuid,
                   const char *request, struct vfa_member *ret, struct vfa_error *err);

/* A device, if it is in an alias' pool. 0 or VFA_STATE_ABSENT. */
int vfa_state_member(struct vfa_state *state, const char *alias, const struct vfa_pci_addr *addr,
                     struct vfa_member *ret, struct vfa_error *err);

/* Devices of an alias, and how many of them no claim excludes. */
int vfa_state_count(struct vfa_state *state, const char *alias, unsigned *ret_total,
                    unsigned *ret_free, struct vfa_error *err);

/* How many of the others are in a state after their claim was held: releasing or cleaning. */
int vfa_state_count_ending(struct vfa_state *state, const char *alias,
                           enum vfa_claim_state claim_state, unsigned *ret, struct vfa_error *err);

/* ---- what is tentative: devices for the placeholders in definitions. Not claims: a device may be
 * tentative for several domains, and keeps nobody from it ---- */
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
int vfa_state_set_unmet(struct vfa_state *state, const char *uuid, struct vfa_error *err);
int vfa_state_end_unmet(struct vfa_state *state, const char *uuid, bool *ret,
                        struct vfa_error *err);

typedef void vfa_state_visit_fn(void *data, const char *uuid);

/* Each domain of which a claim of another, or a quarantine, has overtaken something tentative, or
 * that is unmet, once.
 * Worth asking when VFA_COUNTER_UNSETTLED has grown. */
int vfa_state_each_unsettled(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                             struct vfa_error *err);
/* Each domain that something of the above is kept for, once. */
int vfa_state_each_defined(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                           struct vfa_error *err);

/* ---- quarantine: devices that are not given out, whatever the configuration says ---- */
enum vfa_quarantine_cause {
    VFA_QUARANTINE_OTHER,    /* by hand, or what its settings were is not known */
    VFA_QUARANTINE_SETTINGS, /* what was changed of it could not be put back */
    VFA_QUARANTINE_CLEAN,    /* its cleaner failed, or was not run for who had it */
    VFA_QUARANTINE_ONCE,     /* it is used once */
};
struct vfa_quarantined {
    char *device;
    enum vfa_quarantine_cause cause;
    char *reason;
    int64_t since; /* seconds since the epoch */
};
struct vfa_quarantine {
    struct vfa_quarantined *items; /* by device */
    size_t n;
};
void vfa_quarantine_clear(struct vfa_quarantine *list);

/* What is there with the cause OTHER stays as it is: an administrator's reason is not lost. */
int vfa_state_quarantine(struct vfa_state *state, const char *device,
                         enum vfa_quarantine_cause cause, const char *reason,
                         struct vfa_error *err);
/* An administrator's, with the cause OTHER; replaces what is there. */
int vfa_state_quarantine_by_hand(struct vfa_state *state, const char *device, const char *reason,
                                 struct vfa_error *err);
/* VFA_STATE_ABSENT if it is not in quarantine. Fails where something is still to be put back and
 * no claim stands for that. */
int vfa_state_end_quarantine(struct vfa_state *state, const char *device, struct vfa_error *err);
/* All, or (device not NULL) the one of a device. */
int vfa_state_quarantined(struct vfa_state *state, const char *device, struct vfa_quarantine *ret,
                          struct vfa_error *err);

/* ---- failed: devices that could not be attached to a guest, however often that was tried. Others
 * are chosen before them, until a guest has the device after all, a scan does not find it, or
 * somebody forgets it ---- */
int vfa_state_set_failed(struct vfa_state *state, const char *device, const char *reason,
                         struct vfa_error *err);
int vfa_state_forget_failed(struct vfa_state *state, struct vfa_error *err);
/* True in *ret if a device has failed; device NULL: any. */
int vfa_state_has_failed(struct vfa_state *state, const char *device, bool *ret,
                         struct vfa_error *err);
/* All, in the form of a quarantine; the reason is that of the last attempt. Clear *ret with
 * vfa_quarantine_clear(). */
int vfa_state_failures(struct vfa_state *state, struct vfa_quarantine *ret, struct vfa_error *err);

/* ---- saved: what the devices of claims were like before vfalias changed them (vf-apply.h). The
 * schema lets no device become free while there is something to put back: its claim does not go,
 * unless the device is in quarantine, which does not end then. ---- */
enum vfa_saved_up {
    VFA_SAVED_NONE = -1, /* not changed */
    VFA_SAVED_NO,
    VFA_SAVED_YES,
};
struct vfa_saved {
    char device[VFA_PCI_ADDR_SIZE];
    struct vfa_vf_settings settings; /* those that were changed; mtu: of the VF's own netdev */
    enum vfa_saved_up up;            /* whether that netdev was up */
    char *unreadable; /* why the settings cannot be read, and so are none here; else NULL */
};
void vfa_saved_clear(struct vfa_saved *saved);
struct vfa_saved_list {
    struct vfa_saved *items;
    size_t n;
};
void vfa_saved_list_clear(struct vfa_saved_list *list);

/* Of a claimed device. What is saved of it already is older and stays; nothing is saved over what
 * cannot be read (-EINVAL). `unreadable` is not looked at. */
int vfa_state_save(struct vfa_state *state, const struct vfa_saved *saved, struct vfa_error *err);

/* All, or (device not NULL) what is saved of one. Clear *ret with vfa_saved_list_clear(). */
int vfa_state_saved(struct vfa_state *state, const char *device, struct vfa_saved_list *ret,
                    struct vfa_error *err);
int vfa_state_forget_saved(struct vfa_state *state, const char *device, struct vfa_error *err);

/* For a device that another domain turns out to have. In one transaction: drops its claim, which
 * leaves what is saved behind; and, once the other domain has a claim of it, hands that what was
 * left. */
int vfa_state_unseat(struct vfa_state *state, const char *device, struct vfa_error *err);
int vfa_state_hand_over(struct vfa_state *state, const char *device, struct vfa_error *err);

/* ---- counters that only grow, by which a process sees what others did ---- */
enum vfa_counter {
    VFA_COUNTER_SCANS,     /* the index was replaced */
    VFA_COUNTER_FREED,     /* a claim or a quarantine ended, or vfa_state_count_up() said so */
    VFA_COUNTER_ENDED,     /* a domain has lost a claim; its device may not be free yet */
    VFA_COUNTER_UNSETTLED, /* see vfa_state_each_unsettled() */
};
int vfa_state_counter(struct vfa_state *state, enum vfa_counter which, int64_t *ret,
                      struct vfa_error *err);
int vfa_state_count_up(struct vfa_state *state, enum vfa_counter which, struct vfa_error *err);

/* ---- whether the claims are those of the running domains ---- */
int vfa_state_synced(struct vfa_state *state, bool *ret, struct vfa_error *err);
int vfa_state_set_synced(struct vfa_state *state, struct vfa_error *err);

/* While they are not: the name of a running domain that the daemon cannot read and waits for, for
 * messages; NULL: none is known. free() it. */
int vfa_state_awaited(struct vfa_state *state, char **ret, struct vfa_error *err);
int vfa_state_set_awaited(struct vfa_state *state, const char *domain, struct vfa_error *err);

#endif
