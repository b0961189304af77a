/* A disk like a memory card's: every flush takes SLOW_FSYNC_US longer. Loaded with LD_PRELOAD by bench/hops.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_longer(void) {
    const char *us = getenv("SLOW_FSYNC_US");
    if (us) usleep((useconds_t)atoi(us));
}

int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    wait_longer();
    return real(fd);
}

int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    wait_longer();
    return real(fd);
}
