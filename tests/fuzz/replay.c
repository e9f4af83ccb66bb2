/* Runs a fuzz target on files, and on all files of folders: for compilers without libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUT_MAX = 1024 * 1024 };

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	if (!f || !data) {
		perror(path);
		return 1;
	}
	size_t size = fread(data, 1, INPUT_MAX, f);
	fclose(f);
	uint8_t *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
	for (size_t i = 0; exact && i < size; i++)
		exact[i] = data[i];
	if (exact)
		LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	free(data);
	return 0;
}

static int run_folder(DIR *folder, const char *path)
{
	int failed = 0;
	unsigned count = 0;
	for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
		char file[4096];
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%s", path, e->d_name);
		failed |= run_file(file);
		count++;
	}
	printf("%s: %u inputs\n", path, count);
	return failed || count == 0;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;
	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		failed |= folder ? run_folder(folder, argv[i]) : run_file(argv[i]);
		if (folder)
			closedir(folder);
	}
	return failed;
}
