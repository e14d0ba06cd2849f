/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See shim.h: the start, and the commands. */
#include "shim.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int revert(virDomainPtr domain, const char *name)
{
    virDomainSnapshotPtr snapshot = virDomainSnapshotLookupByName(domain, name, 0);
    int r = snapshot ? virDomainRevertToSnapshot(snapshot, 0) : -1;

    if (snapshot)
        virDomainSnapshotFree(snapshot);
    return r;
}

static int make_snapshot(virDomainPtr domain, const char *name)
{
    char xml[SHIM_LINE_SIZE];
    virDomainSnapshotPtr snapshot;

    snprintf(xml, sizeof(xml), "<domainsnapshot><name>%.64s</name></domainsnapshot>", name);
    snapshot = virDomainSnapshotCreateXML(domain, xml, 0);
    if (snapshot)
        virDomainSnapshotFree(snapshot);
    return snapshot ? 0 : -1;
}

static int lifecycle(virDomainPtr domain, const char *text)
{
    int event, detail;

    if (sscanf(text, "%d %d", &event, &detail) != 2)
        return -1;
    shim_send_lifecycle(domain, event, detail);
    return 0;
}

static int do_to(virDomainPtr domain, const char *verb, const char *rest)
{
    if (strcmp(verb, "create") == 0)
        return virDomainCreate(domain);
    if (strcmp(verb, "destroy") == 0)
        return shim_destroy(domain);
    if (strcmp(verb, "undefine") == 0)
        return virDomainUndefine(domain);
    if (strcmp(verb, "suspend") == 0)
        return REAL(virDomainSuspend)(domain);
    if (strcmp(verb, "resume") == 0)
        return REAL(virDomainResume)(domain);
    if (strcmp(verb, "rename") == 0)
        return virDomainRename(domain, rest, 0);
    if (strcmp(verb, "snapshot") == 0)
        return make_snapshot(domain, rest);
    if (strcmp(verb, "revert") == 0)
        return revert(domain, rest);
    if (strcmp(verb, "event") == 0)
        return lifecycle(domain, rest);
    if (strcmp(verb, "device") == 0) {
        shim_add_device(domain, rest);
        return 0;
    }
    if (strcmp(verb, "metadata") == 0)
        return virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, *rest ? rest : NULL,
                                    "vfalias", "urn:vfalias:1", VIR_DOMAIN_AFFECT_LIVE);
    return -1;
}

static int do_to_named(const char *verb, const char *name, const char *rest)
{
    virConnectPtr conn = shim_connection();
    virDomainPtr domain = conn ? virDomainLookupByName(conn, name) : NULL;
    int r = domain ? do_to(domain, verb, rest) : -1;

    if (domain)
        virDomainFree(domain);
    return r;
}

static int define(const char *xml)
{
    virConnectPtr conn = shim_connection();
    virDomainPtr domain = conn ? REAL(virDomainDefineXML)(conn, xml) : NULL;

    if (domain)
        virDomainFree(domain);
    return domain ? 0 : -1;
}

static int command(const char *line)
{
    char verb[SHIM_NAME_SIZE] = "", first[SHIM_NAME_SIZE] = "", second[SHIM_NAME_SIZE] = "";
    int rest = 0;

    sscanf(line, "%63s %63s %n", verb, first, &rest);
    if (strcmp(verb, "rule") == 0) {
        shim_add_rule(line + strlen("rule "));
        return 0;
    }
    if (strcmp(verb, "drop") == 0 && sscanf(line + rest, "%63s", second) == 1) {
        shim_drop_rules(first, second);
        return 0;
    }
    if (strcmp(verb, "define") == 0)
        return define(line + rest);
    if (strcmp(verb, "close") == 0) {
        shim_send_close(atoi(first));
        return 0;
    }
    return do_to_named(verb, first, line + rest);
}

static void read_commands(FILE *file, bool answer)
{
    char line[SHIM_LINE_SIZE];

    while (fgets(line, sizeof(line), file)) {
        int r;

        line[strcspn(line, "\n")] = '\0';
        r = command(line);
        if (answer)
            shim_note("did", r < 0 ? "failed" : "-", line);
    }
}

/* Opened for reading and writing, so that the FIFO does not end with its first writer. */
static void *serve(void *opaque)
{
    char path[SHIM_LINE_SIZE];
    int fd;
    FILE *file;

    snprintf(path, sizeof(path), "%s/control", (const char *)opaque);
    fd = open(path, O_RDWR | O_CLOEXEC);
    file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file)
        abort();
    read_commands(file, true);
    return NULL;
}

static void read_rules(const char *folder)
{
    char path[SHIM_LINE_SIZE];
    FILE *file;

    snprintf(path, sizeof(path), "%s/rules", folder);
    file = fopen(path, "re");
    if (!file)
        return;
    read_commands(file, false);
    fclose(file);
}

/* Programs that the program starts do not get the shim. The thread blocks all signals: they are for
 * the program. */
__attribute__((constructor)) static void start(void)
{
    const char *folder = getenv("VFA_SHIM");
    sigset_t all, before;
    pthread_t thread;

    if (!folder)
        return;
    unsetenv("LD_PRELOAD");
    shim_open_calls(folder);
    read_rules(folder);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, serve, (void *)folder) != 0)
        abort();
    pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
