// CaffeNet
