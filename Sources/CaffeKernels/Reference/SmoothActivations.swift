import CaffeKernelsC
import Glibc

// Smooth functions; conventions as in `LinearActivations.swift`.

/// y = 1 / (1 + e^−x)
package enum SigmoidKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_SIGMOID, input, nil, nil, 1, 0, 0, 0, count, output)
  }

  package static func backward(
    _ gradient: UnsafePointer<Float>, output: UnsafePointer<Float>, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_SIGMOID_BACKWARD, gradient, output, nil, 0, 0, 0, 0, count, inputGradient)
  }
}

/// y = tanh x
package enum TanHKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_TANH, input, nil, nil, 0, 0, 0, 0, count, output)
  }

  package static func backward(
    _ gradient: UnsafePointer<Float>, output: UnsafePointer<Float>, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_TANH_BACKWARD, gradient, output, nil, 0, 0, 0, 0, count, inputGradient)
  }
}

/// y = x where x > 0, else alpha · (e^x − 1).
package enum ELUKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, alpha: Float, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_ELU, input, nil, nil, alpha, 0, 0, 0, count, output)
  }

  /// - Parameter input: the bottom; for an alpha of 0 or more the top (in place) does as well.
  package static func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    alpha: Float, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_ELU_BACKWARD, gradient, input, output, alpha, 0, 0, 0, count, inputGradient)
  }
}

/// y = x · σ(beta · x)
package enum SwishKernel {
  /// - Parameter sigmoid: receives σ(beta · x), which the backward pass needs.
  package static func forward(
    _ input: UnsafePointer<Float>, beta: Float, count: Int,
    sigmoid: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_SIGMOID, input, nil, nil, beta, 0, 0, 0, count, sigmoid)
    ck_map(CK_MULTIPLY, input, sigmoid, nil, 1, 0, 0, 0, count, output)
  }

  package static func backward(
    _ gradient: UnsafePointer<Float>, output: UnsafePointer<Float>, sigmoid: UnsafePointer<Float>,
    beta: Float, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_SWISH_BACKWARD, gradient, output, sigmoid, beta, 0, 0, 0, count, inputGradient)
  }
}

/// y = ln(1 + e^x)
package enum BNLLKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_BNLL, input, nil, nil, 0, 0, 0, 0, count, output)
  }

  package static func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_BNLL_BACKWARD, gradient, input, nil, 0, 0, 0, 0, count, inputGradient)
  }
}

/// y = base^(shift + scale · x); a base of −1 is e.
package enum ExpKernel {
  /// ln base
  private static func logarithm(_ base: Float) -> Float {
    base == -1 ? 1 : Float(log(Double(base)))
  }

  package static func forward(
    _ input: UnsafePointer<Float>, base: Float, scale: Float, shift: Float, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    let factor = logarithm(base)
    ck_map(CK_EXP, input, nil, nil, factor * scale, factor * shift, 1, 0, count, output)
  }

  package static func backward(
    _ gradient: UnsafePointer<Float>, output: UnsafePointer<Float>, base: Float, scale: Float,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    let factor = logarithm(base) * scale
    ck_map(CK_MULTIPLY, gradient, output, nil, factor, 0, 0, 0, count, inputGradient)
  }
}

/// y = log(shift + scale · x) to a base; a base of −1 is e.
package enum LogKernel {
  /// 1 / ln base
  private static func factor(_ base: Float) -> Float {
    base == -1 ? 1 : Float(1 / log(Double(base)))
  }

  package static func forward(
    _ input: UnsafePointer<Float>, base: Float, scale: Float, shift: Float, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_LOG, input, nil, nil, scale, shift, factor(base), 0, count, output)
  }

  package static func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, base: Float, scale: Float,
    shift: Float, count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    let factor = factor(base) * scale
    ck_map(CK_LOG_BACKWARD, gradient, input, nil, scale, shift, factor, 0, count, inputGradient)
  }
}

/// y = (shift + scale · x)^power
package enum PowerKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, power: Float, scale: Float, shift: Float, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    switch power {
    case 0: Vector.fill(output, with: 1, count: count)
    case 1: Vector.scale(input, by: scale, plus: shift, count: count, into: output)
    default:
      let parity = parity(of: power)
      ck_map(CK_POWER, input, nil, nil, shift, scale, power, parity, count, output)
    }
  }

  package static func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, power: Float, scale: Float,
    shift: Float, count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    if power == 0 || scale == 0 {
      Vector.fill(inputGradient, with: 0, count: count)
    } else if power == 1 {
      Vector.scale(gradient, by: scale, count: count, into: inputGradient)
    } else {
      let parity = parity(of: power - 1)
      ck_map(
        CK_POWER_BACKWARD, gradient, input, nil, shift, scale, power, parity, count, inputGradient)
    }
  }

  /// 1 for an even exponent, −1 for an odd one, 0 when it is not integral.
  private static func parity(of exponent: Float) -> Float {
    guard exponent == exponent.rounded() else { return 0 }
    return exponent.remainder(dividingBy: 2) == 0 ? 1 : -1
  }
}
