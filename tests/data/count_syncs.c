/* Preloaded into a program: appends a line to the file SYNC_LOG for each directory that is made ("mkdir PATH") and for each file or
 * directory that is synced ("fsync PATH"), in order, once the system has done it. Paths are absolute. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void note(const char *what, const char *path)
{
    char line[PATH_MAX + 16];
    const char *log = getenv("SYNC_LOG");
    int len = snprintf(line, sizeof line, "%s %s\n", what, path);
    int fd = log ? open(log, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;
    if (fd < 0)
        return;
    if (write(fd, line, len) != len)
        abort();
    close(fd);
}

int mkdir(const char *path, mode_t mode)
{
    static int (*real)(const char *, mode_t);
    char absolute[PATH_MAX];
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "mkdir");
    int result = real(path, mode);
    if (result == 0 && realpath(path, absolute))
        note("mkdir", absolute);
    return result;
}

int fsync(int fd)
{
    static int (*real)(int);
    char link[64], path[PATH_MAX];
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    int result = real(fd);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (result == 0 && len > 0) {
        path[len] = 0;
        note("fsync", path);
    }
    return result;
}
