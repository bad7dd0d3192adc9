// CaffeKernelsTests
