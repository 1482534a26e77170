/* What the alert script does, and nothing else: handoff SPOOL NAME name=value... */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **words) {
    char from[4096], to[4096], directory[4096];
    snprintf(from, sizeof from, "%s/tmp/%s", words[1], words[2]);
    snprintf(to, sizeof to, "%s/new/%s", words[1], words[2]);
    snprintf(directory, sizeof directory, "%s/new", words[1]);
    int file = open(from, O_WRONLY | O_CREAT | O_EXCL, 0640);
    if (file < 0) return 1;
    for (int i = 3; i < count; i++)
        if (write(file, words[i], strlen(words[i]) + 1) < 0) return 1;
    if (fsync(file) || close(file) || rename(from, to)) return 1;
    int place = open(directory, O_RDONLY);
    return place < 0 || fsync(place) ? 1 : 0;
}
