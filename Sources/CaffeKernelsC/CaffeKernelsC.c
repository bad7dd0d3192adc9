#include "CaffeKernelsC.h"
