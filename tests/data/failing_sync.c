/* Preloaded into a program: the FAIL_AT-th fdatasync(2) of a file whose name ends in "catalog.redb" fails once with EIO, and does
 * nothing, as where the disk has failed (Linux reports such an error once: fsync(2), NOTES). Counts from 1. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int calls;

int fdatasync(int fd)
{
    static int (*real)(int);
    char link[64], path[4096];
    const char *at = getenv("FAIL_AT");
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = 0;
    const char *name = strrchr(path, '/');
    if (at && name && !strcmp(name, "/catalog.redb") && __sync_add_and_fetch(&calls, 1) == atoi(at)) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}
