/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tentative devices on a made host with one PF and four VFs: the rows, their counts in the index,
 * the order in which an allocation tries devices, and the devices for the placeholders of a
 * definition.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/failed.h"
#include "state/index.h"
#include "state/meta.h"
#include "state/quarantine.h"
#include "state/state.h"
#include "state/tentative.h"
#include "host/host.h"
#include "choose/candidates.h"
#include "choose/choose.h"
#include "claim/definition.h"
#include "claim/prepare.h"
#include "claim/reassert.h"
#include "claim/rescan.h"
#include "made-host.h"
#include "made-keys.h"

#include <sqlite3.h>

#define THIRD "77777777-0000-4000-8000-000000000000"
#define PF    "0000:01:00.0"

/* ---- rows ---- */

static void set(struct vfa_host *host, const char *uuid, const char *request, const char *device)
{
    const struct vfa_tentative row = {.uuid = (char *)uuid,
                                      .request = (char *)request,
                                      .domain = (char *)"x",
                                      .device = (char *)device,
                                      .keys =
                                          made_keys(device, (strcmp(device, PF) ? PF : NULL), -1)};

    CHECK(vfa_state_set_tentative(host->state, &row, NULL) == 0, "%s", device);
}

static unsigned count_kept(struct vfa_host *host)
{
    VFA_AUTO(vfa_pools_clear) struct vfa_pools pools = {NULL, 0};

    CHECK(vfa_state_pools(host->state, "net", &pools, NULL) == 0, "pools");
    return pools.n == 1 ? pools.items[0].kept : 0;
}

static void note_uuid(void *data, const char *uuid)
{
    strncat(data, uuid, 1);
}

static const char *unsettled(struct vfa_host *host)
{
    static char buf[16];

    buf[0] = '\0';
    CHECK(vfa_state_each_stale_definition(host->state, note_uuid, buf, NULL) == 0, "each");
    return buf;
}

static int64_t counter(struct vfa_host *host)
{
    int64_t n = -1;

    CHECK(vfa_state_counter(host->state, VFA_COUNTER_STALE_DEFINITIONS, &n, NULL) == 0, "counter");
    return n;
}

static struct vfa_host open_indexed(void)
{
    struct vfa_host host = open_host(true);

    CHECK(vfa_rescan(&host, false, NULL, NULL) == 0, "rescan");
    return host;
}

static void test_counts(void)
{
    VFA_AUTO(vfa_tentatives_clear) struct vfa_tentatives rows = {NULL, 0};
    struct vfa_host host = open_indexed();

    CHECK(count_kept(&host) == 0, "none");
    set(&host, UUID, "net-0", vf(0));
    set(&host, OTHER, "net-0", vf(0));
    set(&host, OTHER, "net-1", vf(1));
    CHECK(count_kept(&host) == 2, "%u", count_kept(&host));
    set(&host, OTHER, "net-1", vf(2)); /* replaces the row */
    CHECK(count_kept(&host) == 2, "%u", count_kept(&host));
    claim_for_other(&host, vf(0)); /* a claimed device is not free */
    CHECK(count_kept(&host) == 1, "%u", count_kept(&host));
    CHECK(vfa_rescan(&host, false, NULL, NULL) == 0 && count_kept(&host) == 1, "a new index");
    CHECK(vfa_state_release(host.state, OTHER, NULL, NULL, NULL) == 0 && count_kept(&host) == 2,
          "%u", count_kept(&host));
    CHECK(vfa_state_drop_tentative(host.state, OTHER, "net-0", NULL) == 0 && count_kept(&host) == 2,
          "one of two on a device");
    CHECK(vfa_state_drop_tentative(host.state, OTHER, NULL, NULL) == 0 && count_kept(&host) == 1,
          "%u", count_kept(&host));
    CHECK(vfa_state_tentative(host.state, UUID, &rows, NULL) == 0 && rows.n == 1, "%zu", rows.n);
    CHECK(vfa_tentatives_find(&rows, "net-0") && !vfa_tentatives_find(&rows, "net-1"), "find");
    set(&host, UUID, "net-0", PF); /* a row of a PF counts for its VFs */
    CHECK(count_kept(&host) == VFS, "%u", count_kept(&host));
    vfa_host_clear(&host);
}

static const struct {
    const char *label;
    const char *tentative; /* device that is tentative for UUID */
    const char *claimed;   /* device that `by` claims */
    const char *by;
    const char *unsettled; /* first characters of UUIDs */
} overtaken[] = {
    {"another device", "0000:01:10.0", "0000:01:10.2", OTHER, ""},
    {"the device", "0000:01:10.0", "0000:01:10.0", OTHER, "1"},
    {"its own claim", "0000:01:10.0", "0000:01:10.0", UUID, ""},
    {"the PF of a VF", "0000:01:10.0", PF, OTHER, "1"},
    {"a VF of the PF", PF, "0000:01:10.2", OTHER, "1"},
};

static void test_overtaken(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(overtaken); i++) {
        struct vfa_host host = open_indexed();
        const struct vfa_claim claim = {
            .device = (char *)overtaken[i].claimed,
            .keys =
                made_keys(overtaken[i].claimed, (strcmp(overtaken[i].claimed, PF) ? PF : NULL), -1),
            .kind = (char *)"pci",
            .uuid = (char *)overtaken[i].by,
            .domain = (char *)"o",
            .request = (char *)"r",
            .state = VFA_CLAIM_CLAIMED};
        int64_t before = counter(&host);

        set(&host, UUID, "net-0", overtaken[i].tentative);
        CHECK(vfa_state_claim(host.state, &claim, NULL) == 0, "%s", overtaken[i].label);
        CHECK(strcmp(unsettled(&host), overtaken[i].unsettled) == 0, "%s: %s", overtaken[i].label,
              unsettled(&host));
        CHECK((counter(&host) > before) == (*overtaken[i].unsettled != '\0'), "%s: counter",
              overtaken[i].label);
        vfa_host_clear(&host);
    }
}

static void test_unmet_and_quarantine(void)
{
    struct vfa_host host = open_indexed();
    bool was = true;

    CHECK(vfa_state_end_start_refused(host.state, OTHER, &was, NULL) == 0 && !was, "never was");
    CHECK(vfa_state_set_start_refused(host.state, OTHER, NULL) == 0, "set");
    CHECK(vfa_state_set_start_refused(host.state, OTHER, NULL) == 0 && counter(&host) == 2,
          "each time");
    CHECK(strcmp(unsettled(&host), "9") == 0, "%s", unsettled(&host));
    CHECK(vfa_state_end_start_refused(host.state, OTHER, &was, NULL) == 0 && was, "was");
    set(&host, UUID, "net-0", vf(0));
    CHECK(vfa_state_quarantine(host.state, vf(0), VFA_QUARANTINE_OTHER, "it hangs", NULL) == 0,
          "quarantine");
    CHECK(strcmp(unsettled(&host), "1") == 0 && counter(&host) == 3, "%s", unsettled(&host));
    CHECK(vfa_definition_forget(host.state, UUID, NULL) == 0 && !*unsettled(&host), "undefined");
    vfa_host_clear(&host);
}

/* ---- the order of candidates ---- */

static int note_device(void *data, const struct vfa_device *indexed, const struct vfa_spec *spec,
                       struct vfa_error *err)
{
    char text[] = "?";

    text[0] = (char)('0' + number_of(&indexed->addr));
    strcat(data, text);
    return VFA_STATE_TAKEN;
}

/* The VFs in the order in which an allocation for a request of UUID tries them. */
static const char *order(struct vfa_host *host, const char *request)
{
    static char buf[16];
    const struct vfa_criteria criteria = {.alias = &config->aliases[0], .uuid = UUID};
    const struct vfa_candidates walk = {.state = host->state,
                                        .config = config,
                                        .criteria = &criteria,
                                        .uuid = UUID,
                                        .request = request,
                                        .visit = note_device,
                                        .data = buf};

    buf[0] = '\0';
    CHECK(vfa_candidates(&walk, NULL) == VFA_STATE_END, "walk");
    return buf;
}

static void test_order(void)
{
    struct vfa_host host = open_indexed();

    CHECK(strcmp(order(&host, "net-0"), "0123") == 0, "%s", order(&host, "net-0"));
    set(&host, OTHER, "a", vf(0));
    set(&host, OTHER, "b", vf(2));
    CHECK(strcmp(order(&host, "net-0"), "1302") == 0, "%s", order(&host, "net-0"));
    set(&host, UUID, "net-0", vf(3)); /* first for its request, last for other requests */
    CHECK(strcmp(order(&host, "net-0"), "3102") == 0, "%s", order(&host, "net-0"));
    CHECK(strcmp(order(&host, "net-1"), "1023") == 0, "%s", order(&host, "net-1"));
    set(&host, THIRD, "c", vf(3)); /* tentative for another domain, too */
    CHECK(strcmp(order(&host, "net-0"), "1302") == 0, "%s", order(&host, "net-0"));
    set(&host, THIRD, "c", vf(1));
    CHECK(strcmp(order(&host, "net-0"), "3012") == 0, "%s", order(&host, "net-0"));
    CHECK(vfa_state_set_failed(host.state, vf(3), "busy", NULL) == 0, "its own has failed");
    CHECK(vfa_state_set_failed(host.state, vf(0), "busy", NULL) == 0, "and one of others");
    CHECK(strcmp(order(&host, "net-0"), "1230") == 0, "%s", order(&host, "net-0"));
    CHECK(vfa_state_forget_failed(host.state, NULL) == 0, "forget");
    claim_for_other(&host, vf(3));
    CHECK(strcmp(order(&host, "net-0"), "012") == 0, "%s", order(&host, "net-0"));
    vfa_host_clear(&host);
}

/* ---- definitions ---- */

static const struct {
    const char *label;
    const char *xml;
    const char *taken;     /* VFs that another domain claims, one digit each */
    const char *tentative; /* VFs that are tentative for another domain */
    const char *unfit;     /* VFs in quarantine */
    bool unmet;
    const char *placed; /* "NAME=VF " of each device for the definition */
    const char *rows;   /* "NAME=VF " of each tentative row afterwards, by name */
    const char *refusal;
} cases[] = {
    {"no placeholder", DOM(META(ASKS), STATIC), "", "", "", false, "", "", NULL},
    {"one", DOM("", SENTINEL("net-0")), "", "", "", false, "net-0=0 ", "net-0=0 ", NULL},
    {"named in the metadata", DOM(META("<vfalias:request alias='net' name='dp'/>"), SENTINEL("dp")),
     "", "", "", false, "dp=0 ", "dp=0 ", NULL},
    {"others are left alone while there are others", DOM("", SENTINEL("net-0")), "1", "02", "",
     false, "net-0=3 ", "net-0=3 ", NULL},
    {"and are not when there are none", DOM("", SENTINEL("net-0")), "1", "023", "", false,
     "net-0=0 ", "net-0=0 ", NULL},
    {"absent netdev", DOM("", MACVTAP("net-0", "nowhere")), "", "", "", false, "net-0=0 ",
     "net-0=0 ", NULL},
    {"absent device", DOM("", HOSTDEV("net-0", "0x1f", "7")), "", "", "", false, "net-0=0 ",
     "net-0=0 ", NULL},
    {"its user's", DOM("", HOSTDEV("net-0", "0x10", "4")), "", "2", "", false, "", "net-0=2 ",
     NULL},
    {"its user's, as macvtap", DOM("", MACVTAP("net-0", "pf0v1")), "", "", "", false, "",
     "net-0=1 ", NULL},
    {"its user's, for no alias of ours", DOM("", HOSTDEV("gpu-0", "0x10", "4")), "", "", "", false,
     "", "gpu-0=2 ", NULL},
    {"overtaken", DOM("", HOSTDEV("net-0", "0x10", "4")), "2", "", "", false, "net-0=0 ",
     "net-0=0 ", NULL},
    {"in quarantine", DOM("", HOSTDEV("net-0", "0x10", "4")), "", "", "2", false, "net-0=0 ",
     "net-0=0 ", NULL},
    {"not twice in a domain",
     DOM("", SENTINEL("net-0") HOSTDEV("net-1", "0x10", "0") SENTINEL("net-2")), "2", "", "", false,
     "net-0=1 net-2=3 ", "net-0=1 net-1=0 net-2=3 ", NULL},
    {"nor what it has for good", DOM("", STATIC SENTINEL("net-0")), "", "", "", false, "net-0=1 ",
     "net-0=1 ", NULL},
    {"some find none", DOM("", SENTINEL("net-0") SENTINEL("net-1")), "012", "", "", false,
     "net-0=3 ", "net-0=3 ", "no free device for request 'net-1'"},
    {"nothing free", DOM("", HOSTDEV("net-0", "0x10", "4")), "0123", "", "", false, "", "",
     "no free device for request 'net-0'"},
    {"unknown alias", DOM("", SENTINEL("gpu-0") SENTINEL("net-0")), "", "", "", false, "net-0=0 ",
     "net-0=0 ", "no alias 'gpu' is configured"},
    {"bad requests", DOM(META("<vfalias:request/>"), SENTINEL("net-0")), "", "", "", false, "", "",
     "without an alias"},
    {"an unmet one that is well stays", DOM("", HOSTDEV("net-0", "0x10", "4")), "", "", "", true,
     "", "net-0=2 ", NULL},
};

static void claim_digits(struct vfa_host *host, size_t i)
{
    for (const char *p = cases[i].taken; *p; p++)
        claim_for_other(host, vf(*p - '0'));
    for (const char *p = cases[i].tentative; *p; p++)
        set(host, OTHER, vf(*p - '0'), vf(*p - '0'));
    for (const char *p = cases[i].unfit; *p; p++)
        CHECK(vfa_state_quarantine(host->state, vf(*p - '0'), VFA_QUARANTINE_OTHER, "so", NULL) ==
                  0,
              "quarantine");
    if (cases[i].unmet)
        CHECK(vfa_state_set_start_refused(host->state, UUID, NULL) == 0, "unmet");
}

static const char *describe_placed(const struct vfa_definition_result *placed)
{
    static char buf[256];
    size_t len = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < placed->devices.n && len < sizeof(buf); i++)
        len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%s=%d ",
                                placed->devices.items[i].request,
                                number_of(&placed->devices.items[i].device.addr));
    return buf;
}

static const char *describe_rows(struct vfa_host *host)
{
    static char buf[256];
    VFA_AUTO(vfa_tentatives_clear) struct vfa_tentatives rows = {NULL, 0};
    size_t len = 0;

    buf[0] = '\0';
    CHECK(vfa_state_tentative(host->state, UUID, &rows, NULL) == 0, "rows");
    for (size_t i = 0; i < rows.n && len < sizeof(buf); i++) {
        struct vfa_pci_addr addr;

        if (vfa_parse_pci_addr(rows.items[i].device, &addr) == 0)
            len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%s=%d ", rows.items[i].request,
                                    number_of(&addr));
    }
    return buf;
}

static size_t count_all_claims(struct vfa_host *host)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_claims(host->state, NULL, &claims, NULL) == 0, "claims");
    return claims.n;
}

static void test_definitions(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_definition_result_clear)
        struct vfa_definition_result placed = {.refusal = NULL};
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_host host = open_indexed();
        bool unmet = true;
        size_t claims;
        int r;

        claim_digits(&host, i);
        claims = count_all_claims(&host);
        r = vfa_definition_assign(&host, parse(cases[i].xml), &placed, &err);
        CHECK(r == 0, "%s: %s", cases[i].label, r ? vfa_error_text(&err) : "");
        CHECK(strcmp(describe_placed(&placed), cases[i].placed) == 0, "%s: %s", cases[i].label,
              describe_placed(&placed));
        CHECK(strcmp(describe_rows(&host), cases[i].rows) == 0, "%s: %s", cases[i].label,
              describe_rows(&host));
        CHECK(!placed.refusal == !cases[i].refusal &&
                  (!placed.refusal || strstr(placed.refusal, cases[i].refusal)),
              "%s: %s", cases[i].label, placed.refusal ? placed.refusal : "");
        CHECK(count_all_claims(&host) == claims, "%s: it claims nothing", cases[i].label);
        CHECK(vfa_state_end_start_refused(host.state, UUID, &unmet, NULL) == 0 && !unmet, "%s",
              cases[i].label);
        vfa_host_clear(&host);
    }
}

/* A device that is unusable for a while after a guest has ended keeps its place in the definition.
 * After a refused start another device is chosen. */
static void test_refused_start(void)
{
    static const char xml[] = DOM("", HOSTDEV("net-0", "0x10", "4"));
    VFA_AUTO(vfa_definition_result_clear) struct vfa_definition_result before = {.refusal = NULL};
    VFA_AUTO(vfa_definition_result_clear) struct vfa_definition_result after = {.refusal = NULL};
    struct vfa_host host = open_indexed();

    made_link("bus/pci/devices/0000:01:10.4/net/pf0v2/master", "../br0");
    CHECK(vfa_definition_assign(&host, parse(xml), &before, NULL) == 0 && before.devices.n == 0,
          "%s", describe_placed(&before));
    CHECK(vfa_state_set_start_refused(host.state, UUID, NULL) == 0, "unmet");
    CHECK(vfa_definition_assign(&host, parse(xml), &after, NULL) == 0, "after");
    CHECK(strcmp(describe_placed(&after), "net-0=0 ") == 0, "%s", describe_placed(&after));
    made_without("bus/pci/devices/0000:01:10.4/net/pf0v2/master");
    vfa_host_clear(&host);
}

/* A domain that is defined again gets the same devices. The rows of removed requests are
 * deleted. */
static void test_defined_anew(void)
{
    VFA_AUTO(vfa_definition_result_clear) struct vfa_definition_result first = {.refusal = NULL};
    VFA_AUTO(vfa_definition_result_clear) struct vfa_definition_result second = {.refusal = NULL};
    VFA_AUTO(vfa_definition_result_clear) struct vfa_definition_result third = {.refusal = NULL};
    struct vfa_host host = open_indexed();

    set(&host, OTHER, "o", vf(0));
    CHECK(vfa_definition_assign(&host, parse(DOM("", SENTINEL("net-0") SENTINEL("net-1"))), &first,
                                NULL) == 0,
          "first");
    CHECK(strcmp(describe_rows(&host), "net-0=1 net-1=2 ") == 0, "%s", describe_rows(&host));
    CHECK(vfa_state_drop_tentative(host.state, OTHER, NULL, NULL) == 0, "drop");
    CHECK(vfa_definition_assign(&host, parse(DOM("", SENTINEL("net-1"))), &second, NULL) == 0,
          "second");
    CHECK(strcmp(describe_rows(&host), "net-1=2 ") == 0, "%s", describe_rows(&host));
    CHECK(vfa_definition_assign(&host, parse(DOM("", "")), &third, NULL) == 0, "third");
    CHECK(strcmp(describe_rows(&host), "") == 0, "%s", describe_rows(&host));
    vfa_host_clear(&host);
}

/* While a domain runs, its definition gets the devices that the domain has. */
static void test_running(void)
{
    VFA_AUTO(vfa_definition_result_clear) struct vfa_definition_result placed = {.refusal = NULL};
    struct vfa_host host = open_indexed();

    claim_for_other(&host, vf(0));
    CHECK(vfa_reassert(&host, parse(DOM("", HOSTDEV("net-0", "0x10", "6"))), NULL) == 0, "runs");
    CHECK(vfa_definition_assign(&host, parse(DOM("", SENTINEL("net-0") SENTINEL("net-1"))), &placed,
                                NULL) == 0,
          "placed");
    CHECK(strcmp(describe_placed(&placed), "net-0=3 net-1=1 ") == 0, "%s",
          describe_placed(&placed));
    vfa_host_clear(&host);
}

/* The device of a running domain is in quarantine (a device that is used once always is). While the
 * domain runs, its definition is not rewritten: each define is an event that makes vfaliasd check
 * the definition again. After the domain has stopped, its definition gets another device. */
static void test_running_in_quarantine(void)
{
    static const char xml[] = DOM("", HOSTDEV("net-0", "0x10", "6"));
    VFA_AUTO(vfa_definition_result_clear) struct vfa_definition_result runs = {.refusal = NULL};
    VFA_AUTO(vfa_definition_result_clear) struct vfa_definition_result stopped = {.refusal = NULL};
    struct vfa_host host = open_indexed();
    int64_t before;

    CHECK(vfa_prepare_domain(&host, parse(xml), NULL) == 0, "runs");
    CHECK(vfa_state_quarantine(host.state, vf(3), VFA_QUARANTINE_ONCE, "used once", NULL) == 0, "");
    CHECK(vfa_definition_assign(&host, parse(xml), &runs, NULL) == 0, "");
    CHECK(strcmp(describe_placed(&runs), "") == 0 && !runs.refusal, "%s", describe_placed(&runs));
    CHECK(strcmp(describe_rows(&host), "net-0=3 ") == 0, "%s", describe_rows(&host));
    before = counter(&host);
    CHECK(vfa_state_release(host.state, UUID, NULL, NULL, NULL) == 0, "stops");
    CHECK(counter(&host) == before + 1 && strcmp(unsettled(&host), "1") == 0, "to be looked at");
    CHECK(vfa_definition_assign(&host, parse(xml), &stopped, NULL) == 0, "");
    CHECK(strcmp(describe_placed(&stopped), "net-0=0 ") == 0, "%s", describe_placed(&stopped));
    vfa_host_clear(&host);
}

/* The device of a running domain is gone: its definition is not rewritten. */
static void test_running_without(void)
{
    static const char xml[] = DOM("", HOSTDEV("net-0", "0x10", "6"));
    VFA_AUTO(vfa_definition_result_clear) struct vfa_definition_result runs = {.refusal = NULL};
    struct vfa_host host = open_indexed();

    CHECK(vfa_prepare_domain(&host, parse(xml), NULL) == 0, "runs");
    if (renameat(sysfs.rootfd, "bus/pci/devices/0000:01:10.6", sysfs.rootfd, "bus/pci/away") < 0)
        made_give_up("away");
    CHECK(vfa_definition_assign(&host, parse(xml), &runs, NULL) == 0, "");
    CHECK(strcmp(describe_placed(&runs), "") == 0 && !runs.refusal, "%s", describe_placed(&runs));
    if (renameat(sysfs.rootfd, "bus/pci/away", sysfs.rootfd, "bus/pci/devices/0000:01:10.6") < 0)
        made_give_up("back");
    vfa_host_clear(&host);
}

/* An index of a device_spec that is read from the file is checked before it is used. */
static void test_spec_out_of_range(void)
{
    static const int specs[] = {100000, -100000};

    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        struct vfa_host host = open_indexed();
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        sqlite3 *db = NULL;
        char sql[64];

        snprintf(sql, sizeof(sql), "UPDATE pool SET spec = %d", specs[i]);
        CHECK(sqlite3_open(state_path, &db) == SQLITE_OK &&
                  sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
              "%s", sql);
        sqlite3_close(db);
        CHECK(vfa_prepare_domain(&host, parse(DOM("", HOSTDEV("net-0", "0x10", "2"))), &err) == 0,
              "%d: %s", specs[i], err.code ? vfa_error_text(&err) : "");
        vfa_host_clear(&host);
    }
}

int main(void)
{
    make_host();
    test_counts();
    test_overtaken();
    test_unmet_and_quarantine();
    test_order();
    test_definitions();
    test_refused_start();
    test_defined_anew();
    test_running();
    test_running_in_quarantine();
    test_running_without();
    test_spec_out_of_range();
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
