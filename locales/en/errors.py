"""English: a sentence for each error of the engine."""

TEXTS = {
    "error.EngineError": "Something went wrong on my side. Nothing was charged. Please try again.",
    "error.UnknownModel": "There is no model called “{model}”. /model shows the models on offer.",
    "error.ModelNotSold": "“{model}” is not sold here: its bill is not counted in text tokens. /model shows the models on offer.",
    "error.NotForChat": "“{model}” makes embeddings and answers no questions. /model shows the models on offer.",
    "error.NotForEmbeddings": "“{model}” answers questions and makes no embeddings.",
    "error.ModelNotPriced": "“{model}” is not sold here: no exact price of it is known. /model shows the models on offer.",
    "error.ModelNotInPlan": "Your plan {plan} does not include {model}. /plan changes the plan, /model chooses another model.",
    "error.ModelNotInKey": "This API key may not ask for {model}. /keys shows the models that it may ask for.",
    "error.TooManyRequests": "Your plan allows {limit} {limit:question|questions} a minute, and you have used them. Please try again in {seconds} s.",
    "error.DailyAnswersUsed": "Your plan allows {limit} {limit:answer|answers} a day, and you have had them. Nothing was charged. The next day begins at 00:00 UTC, in {hours} h at the latest. /plan changes the plan.",
    "error.TenantBanned": "This account is closed, or the operator has not approved it yet. Nothing was charged. Questions: /paysupport.",
    "error.SpendingCapReached": "This service has reached its spending limit. Nothing was charged. Please try again later.",
    "error.BadRequest": "I can't send that: {reason}. Please change it and try again.",
    "error.Closing": "I'm restarting. Your question is saved and will be answered in a moment.",
    "error.InsufficientFunds": "Your balance does not cover this question. /topup adds money, /plan changes the plan.",
    "error.ModelNotInPlan_group": "The model that you chose is not open to you. Nothing was charged. The details are in our private chat.",
    "error.TooManyRequests_group": "That was too fast: please try again in a moment. Nothing was charged.",
    "error.DailyAnswersUsed_group": "You have had your answers for today. Nothing was charged. The details are in our private chat.",
    "error.InsufficientFunds_group": "What you have left does not cover this. Nothing was sent or charged. The details are in our private chat.",
    "error.TenantBanned_group": "I can't answer you here. Nothing was charged. The reason is in our private chat.",
    "error.allowance_short": (
        "Your balance does not cover this question: {left} plan tokens and {wallet} are left, "
        "and {missing} more is needed. Nothing was sent or charged."
    ),
    "error.wallet_short": (
        "This model is paid from your wallet, which holds {wallet}; you need at least {missing} more. "
        "Nothing was sent or charged. /model auto uses your plan instead."
    ),
    "error.RequestRejected": "The model can't accept this: {reason}\n\nNothing was charged. Please change the question, or choose another model with /model.",
    "error.NoProvider": "No provider can answer right now. Nothing was charged. Please try again in {seconds} s.",
    "error.AnswerCut": "The answer broke off and no other provider could finish it. Nothing was charged. Please ask again with /retry.",
    "error.HoldLost": "This question was already handled, and this attempt was not charged. If you see no answer, please use /retry.",
    "error.KeyRefused": "The provider refuses this service's API key. Nothing was charged. Please try again later.",
    "error.BalanceGone": "This service's balance at the provider is used up. Nothing was charged. Please try again later.",
    "error.RateLimited": "The provider's rate limit is reached. Nothing was charged. Please try again in a minute.",
    "error.TooBigForNow": "This is too long for the provider's limit per minute. Nothing was charged. Please shorten it, or try again in a minute.",
    "error.ContextTooLong": "This is longer than the model can read. Nothing was charged. Please shorten it, or start a new conversation with /new.",
    "error.RequestFault": "The provider can't accept this. Nothing was charged. Please change the question and try again.",
    "error.CapabilityMissing": "This model can't do that. Nothing was charged. Please choose another model with /model.",
    "error.NoSuchModel": "The provider no longer offers this model. Nothing was charged. Please choose another model with /model.",
    "error.Overloaded": "The provider is overloaded. Nothing was charged. Please try again in a minute.",
    "error.Unreachable": "The provider can't be reached. Nothing was charged. Please try again in a minute.",
    "error.FirstTokenLate": "The provider took too long to begin. Nothing was charged. Please try again.",
    "error.WentSilent": "The provider stopped sending in the middle of the answer. Nothing was charged. Please try again.",
    "error.StreamCut": "The provider broke off the answer. Nothing was charged. Please try again.",
    "error.Garbled": "The provider sent an answer that I can't read. Nothing was charged. Please try again.",
    "error.EmptyAnswer": "The provider sent an empty answer. Nothing was charged. Please try again.",
}
