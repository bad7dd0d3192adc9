// PrototxtTests
