/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rate limit, with times that the test sets. */

#include "base/common.h"
#include "check.h"
#include "helpers/vfaliasd/rate.h"

static const struct {
    int64_t now;
    unsigned ms; /* milliseconds until the turn */
} askings[] = {
    {0, 0},       {0, 0},                     /* at once */
    {1, 999},     {500, 500},  {999, 1},      /* one turn for all */
    {1000, 1000}, {1500, 500},                /* the next turn */
    {2000, 1000}, {2001, 999},                /* and so on: one a second */
    {3500, 500},                              /* after a pause */
    {10000, 0},   {10000, 0},  {10000, 1000}, /* after a long pause, earlier turns do not count */
};

static void test_turns(void)
{
    struct vfa_rate *rate = vfa_rate_new();
    bool storm;

    for (size_t i = 0; i < ARRAY_SIZE(askings); i++) {
        unsigned ms = vfa_rate_ask(rate, "a", askings[i].now, &storm);

        CHECK(ms == askings[i].ms && !storm, "asking %zu: %u ms", i, ms);
    }
    vfa_rate_free(rate);
}

/* A call each millisecond gets a few turns, and no more than one message for each turn. */
static void test_storm(void)
{
    struct vfa_rate *rate = vfa_rate_new();
    unsigned turns = 0, storms = 0;
    int64_t due = -1;
    bool storm;

    for (int64_t now = 0; now < 10000; now++) {
        int64_t at = now + vfa_rate_ask(rate, "a", now, &storm);

        turns += at != due;
        due = at;
        storms += storm;
    }
    CHECK(turns <= 10 + VFA_RATE_BURST && turns >= 10, "%u turns", turns);
    CHECK(storms > 0 && storms <= turns, "%u words", storms);
    vfa_rate_free(rate);
}

static void test_keys(void)
{
    struct vfa_rate *rate = vfa_rate_new();
    bool storm;

    vfa_rate_ask(rate, "a", 0, &storm);
    vfa_rate_ask(rate, "a", 0, &storm);
    CHECK(vfa_rate_ask(rate, "b", 0, &storm) == 0, "another one waits for the first");
    CHECK(vfa_rate_length(rate) == 2, "remembered");
    vfa_rate_ask(rate, "c", 5000, &storm);
    CHECK(vfa_rate_length(rate) == 1, "those of long ago are forgotten");
    vfa_rate_free(rate);
}

int main(void)
{
    test_turns();
    test_storm();
    test_keys();
    return check_result();
}
