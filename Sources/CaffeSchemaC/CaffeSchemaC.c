#include "CaffeSchemaC.h"
