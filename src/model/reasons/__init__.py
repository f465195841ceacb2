"""Why a chance is what it is: shares, sentences, what would help, who was alike."""
