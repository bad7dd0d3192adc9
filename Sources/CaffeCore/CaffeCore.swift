// CaffeCore
