#define _POSIX_C_SOURCE 200809L

#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

/* Closes without hiding the error that is about to be reported. */
static void close_quietly(int fd)
{
    int error = errno;
    (void)close(fd);
    errno = error;
}

static int open_directory(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Makes the entries of a directory durable: what was created or renamed in it. */
static bool sync_directory(const char *path)
{
    int fd = open_directory(path);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    close_quietly(fd);
    return synced;
}

/* Makes one directory, durable in its parent. One that is there already is another's to make durable. */
static bool make_directory(char *path, char *last_slash)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST;
    if (last_slash == path)
        return sync_directory("/");
    *last_slash = '\0';
    bool synced = sync_directory(path);
    *last_slash = '/';
    return synced;
}

/* Makes an absolute path's directories from the top, like mkdir -p. */
static bool make_directories(const char *wanted)
{
    char path[PATH_MAX];
    size_t length = strlen(wanted);
    if (length >= sizeof path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(path, wanted, length + 1);
    char *last_slash = path;
    for (char *here = path + 1;; here++) {
        char was = *here;
        if (was != '/' && was != '\0')
            continue;
        *here = '\0';
        if (!make_directory(path, last_slash))
            return false;
        if (was == '\0')
            return true;
        *here = was;
        last_slash = here;
    }
}

static int open_spool(const char *path)
{
    int fd = open_directory(path);
    if (fd >= 0 || errno != ENOENT || path[0] != '/')
        return fd;
    return make_directories(path) ? open_directory(path) : -1;
}

static bool write_record(int directory, const char *name, struct text request)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return false;
    bool written = write_all(fd, request, NEVER) && fsync(fd) == 0;
    if (!written) {
        close_quietly(fd);
        return false;
    }
    return close(fd) == 0;
}

/* Records sort by time. The process's number tells those of one moment apart. */
static void name_record(struct record *record)
{
    struct timespec clock;
    (void)clock_gettime(CLOCK_REALTIME, &clock); /* cannot fail, see io.c */
    (void)snprintf(record->name, sizeof record->name, "%lld%09ld-%ld.del", (long long)clock.tv_sec, clock.tv_nsec,
                   (long)getpid());
}

/* Under another name first: a record that is there is whole. */
static bool store(int directory, const struct record *record, struct text request)
{
    char unfinished[sizeof record->name + sizeof ".tmp"];
    (void)snprintf(unfinished, sizeof unfinished, ".%s.tmp", record->name);
    if (write_record(directory, unfinished, request) &&
        renameat(directory, unfinished, directory, record->name) == 0)
        return fsync(directory) == 0;
    int error = errno;
    (void)unlinkat(directory, unfinished, 0); /* it may not have been made; the reader passes it over in any case */
    errno = error;
    return false;
}

bool spool(const char *directory, struct text request, struct record *record, struct why *why)
{
    int fd = open_spool(directory);
    if (fd < 0)
        return because(why, "the spool %.200s cannot be opened: %s", directory, reason(errno));
    name_record(record);
    bool stored = store(fd, record, request);
    close_quietly(fd);
    return stored || because(why, "no record can be written to the spool %.200s: %s", directory, reason(errno));
}
