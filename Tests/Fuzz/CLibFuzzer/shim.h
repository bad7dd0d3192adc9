#pragma once
#include <stddef.h>
#include <stdint.h>

// The door to libFuzzer, which the compiler brings with it: the library without a main function of
// its own. Links only as scripts/fuzz links it.

// Calls `test` with one input after the other, as the arguments of the command line say.
int LLVMFuzzerRunDriver(int *argument_count, char ***arguments,
                        int (*test)(const uint8_t *bytes, size_t count));
