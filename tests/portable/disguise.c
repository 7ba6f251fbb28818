/* Preloaded: answers for the instruction cpuid, of which int3 has taken the place, as the processor in the file
   $CPUID says, of lines "leaf subleaf eax ebx ecx edx" in hexadecimal; what is not in it, as this one does. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

enum { ROWS = 64 };
static unsigned rows[ROWS][6];
static int known;

static void answer(int number, siginfo_t *about, void *context) {
    (void)number, (void)about;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    unsigned leaf = registers[REG_RAX], subleaf = registers[REG_RCX], found[4];
    __cpuid_count(leaf, subleaf, found[0], found[1], found[2], found[3]);
    /* Many leaves have no subleaves, and whoever asks leaves anything in ECX. */
    int parts = leaf == 4 || leaf == 7 || leaf == 0x8000001d;
    for (int row = 0; row < known; row++)
        if (rows[row][0] == leaf && (!parts || rows[row][1] == subleaf))
            for (int of = 0; of < 4; of++) found[of] = rows[row][2 + of];
    registers[REG_RAX] = found[0], registers[REG_RBX] = found[1];
    registers[REG_RCX] = found[2], registers[REG_RDX] = found[3];
}

__attribute__((constructor)) static void begin(void) {
    FILE *file = fopen(getenv("CPUID"), "r");
    for (unsigned *row = rows[0]; known < ROWS; row = rows[++known])
        if (fscanf(file, "%x %x %x %x %x %x", row, row + 1, row + 2, row + 3, row + 4, row + 5) != 6) break;
    fclose(file);
    struct sigaction how = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGTRAP, &how, NULL);
}
