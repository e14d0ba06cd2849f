/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See shim.h: the file "calls", and the rules. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

pthread_mutex_t shim_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct rule *rules;
static int calls_fd = -1;

/* ---- the file "calls" ---- */

void shim_open_calls(const char *folder)
{
    char path[SHIM_LINE_SIZE];

    snprintf(path, sizeof(path), "%s/calls", folder);
    calls_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (calls_fd < 0)
        abort();
}

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void shim_note(const char *function, const char *domain, const char *detail)
{
    char line[SHIM_LINE_SIZE + 256];
    int n =
        snprintf(line, sizeof(line), "%.6f %.6f %ld %s %s %s\n", seconds(CLOCK_MONOTONIC),
                 seconds(CLOCK_PROCESS_CPUTIME_ID), syscall(SYS_gettid), function, domain, detail);

    if (calls_fd >= 0 && write(calls_fd, line, (size_t)n) < 0)
        abort();
}

/* ---- rules ---- */

static bool fits(const struct rule *rule, const char *function, const char *domain)
{
    return strcmp(rule->function, function) == 0 &&
           (strcmp(rule->domain, "*") == 0 || strcmp(rule->domain, domain) == 0);
}

static struct rule *find_rule(const char *function, const char *domain)
{
    struct rule *rule = rules;

    while (rule && !fits(rule, function, domain))
        rule = rule->next;
    return rule;
}

void shim_add_rule(const char *text)
{
    struct rule *rule = calloc(1, sizeof(*rule));

    if (!rule || sscanf(text, "%63s %63s %63s %lf %lf", rule->function, rule->domain, rule->action,
                        &rule->args[0], &rule->args[1]) < 3)
        abort();
    pthread_mutex_lock(&shim_lock);
    rule->next = rules;
    rules = rule;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&shim_lock);
}

void shim_drop_rules(const char *function, const char *domain)
{
    pthread_mutex_lock(&shim_lock);
    for (struct rule **link = &rules; *link;) {
        struct rule *rule = *link;

        if (strcmp(rule->function, function) == 0 && strcmp(rule->domain, domain) == 0) {
            *link = rule->next;
            free(rule);
        } else {
            link = &rule->next;
        }
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&shim_lock);
}

static void wait_seconds(double length)
{
    struct timespec left = {(time_t)length, (long)((length - (double)(time_t)length) * 1e9)};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* libvirt exports virSetError(), but no public header declares it. */
void shim_fail(int code)
{
    void (*set)(virErrorPtr) = (void (*)(virErrorPtr))dlsym(RTLD_DEFAULT, "virSetError");
    char message[] = "the library in front of libvirt fails";
    virError error = {
        .code = code, .domain = VIR_FROM_QEMU, .level = VIR_ERR_ERROR, .message = message};

    if (!set)
        abort();
    set(&error);
}

bool shim_begin(const char *function, virDomainPtr domain, struct rule *ret)
{
    const char *name = domain ? virDomainGetName(domain) : "-";
    const struct rule *rule;
    struct rule found = {.next = NULL};

    shim_note(function, name, "-");
    pthread_mutex_lock(&shim_lock);
    while ((rule = find_rule(function, name)) && strcmp(rule->action, "hang") == 0)
        pthread_cond_wait(&changed, &shim_lock);
    if (rule)
        found = *rule;
    pthread_mutex_unlock(&shim_lock);
    if (strcmp(found.action, "slow") == 0)
        wait_seconds(found.args[0]);
    if (ret)
        *ret = found;
    if (strcmp(found.action, "fail") != 0)
        return true;
    shim_fail((int)found.args[0]);
    return false;
}

bool shim_says(const struct rule *rule)
{
    return strcmp(rule->action, "say") == 0;
}
