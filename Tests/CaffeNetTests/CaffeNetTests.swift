// CaffeNetTests
