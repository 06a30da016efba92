"""Who may be bought, how each name scores, and the portfolio that follows."""
