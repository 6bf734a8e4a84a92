/* Preloaded into a program: a disk that never answers, as a network file system whose server is gone. The call
 * HANG_AT, "open" or "unlink", of a file in whose path HANG_IN appears makes the file HANG_SAYS, and does not return. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void hang_in(const char *call, const char *path)
{
    const char *hanging = getenv("HANG_IN"), *calls = getenv("HANG_AT"), *says = getenv("HANG_SAYS");
    if (!hanging || !calls || !says || strcmp(call, calls) || !strstr(path, hanging))
        return;
    close(creat(says, 0600));
    for (;;)
        pause();
}

int open64(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    hang_in("open", path);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "open64");
    return real(path, flags, mode);
}

int unlink(const char *path)
{
    static int (*real)(const char *);
    hang_in("unlink", path);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "unlink");
    return real(path);
}
