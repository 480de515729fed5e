/*
 * Linked into weft-cni. Before Main, the runtime looks for memory and CPU limits of its control group in /proc/self/mountinfo, several
 * times over. On a node with a thousand pods that file has thousands of lines, which the kernel writes anew for each reader: 5 ms of an ADD.
 * The plugin lives for milliseconds and needs no limits: the runtime is told that there is no such file, and takes the machine's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

FILE *__real_fopen64(const char *path, const char *mode);

FILE *__wrap_fopen64(const char *path, const char *mode)
{
    if (strcmp(path, "/proc/self/mountinfo") == 0) {
        errno = ENOENT;
        return NULL;
    }
    return __real_fopen64(path, mode);
}
